/**
 * FreeRTOS's list (list.c): a ring with an end marker and an index. The order in which equals run follows
 * from its two quirks, so they are kept: `insertAtEnd` puts an item just before the index, wherever that is,
 * and removing the item at the index moves the index back by one.
 */

export class ListItem<Owner> {
  /** What sorted insertion goes by: a wake tick, or an inverted priority. */
  value = 0;
  list: List<Owner> | null = null;
  /** @internal */
  next: ListItem<Owner>;
  /** @internal */
  previous: ListItem<Owner>;

  constructor(readonly owner: Owner) {
    this.next = this;
    this.previous = this;
  }

  remove(): void {
    this.list?.remove(this);
  }
}

export class List<Owner> {
  length = 0;
  private readonly end: ListItem<Owner>;
  private index: ListItem<Owner>;

  constructor() {
    this.end = new ListItem<Owner>(null as Owner);
    this.end.value = Number.POSITIVE_INFINITY;
    this.index = this.end;
  }

  /** The first owner in list order, if any. */
  get head(): Owner | undefined {
    return this.length === 0 ? undefined : this.end.next.owner;
  }

  /** The smallest value, Infinity when empty. */
  get headValue(): number {
    return this.end.next.value;
  }

  /** Just before the index: after every other item's next turn, before the indexed one's. */
  insertAtEnd(item: ListItem<Owner>): void {
    this.link(item, this.index);
  }

  /** Ascending by value, behind items of the same value. */
  insertSorted(item: ListItem<Owner>): void {
    let after = this.end.next;
    while (after !== this.end && after.value <= item.value) after = after.next;
    this.link(item, after);
  }

  remove(item: ListItem<Owner>): void {
    if (this.index === item) this.index = item.previous;
    item.previous.next = item.next;
    item.next.previous = item.previous;
    item.list = null;
    this.length--;
  }

  /** Moves the index on to the next item and returns its owner. The list must not be empty. */
  advance(): Owner {
    this.index = this.index.next;
    if (this.index === this.end) this.index = this.end.next;
    return this.index.owner;
  }

  *owners(): Generator<Owner> {
    for (let item = this.end.next; item !== this.end; item = item.next) yield item.owner;
  }

  private link(item: ListItem<Owner>, before: ListItem<Owner>): void {
    item.next = before;
    item.previous = before.previous;
    before.previous.next = item;
    before.previous = item;
    item.list = this;
    this.length++;
  }
}
