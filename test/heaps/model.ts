/**
 * What every heap promises, as a model: which blocks are live, how much was asked for, what lies in them.
 * It makes a call on the heap, then holds what the heap shows of itself against what it knows.
 */

import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import * as v from 'valibot';
import {
  boundRowOf,
  type HeapDefinition,
  type HeapOptions,
  type HeapTraits,
  traitsOf,
} from '../../src/heaps/definition.js';
import { ByteBudget, UNLIMITED } from '../../src/heaps/handle-heap.js';
import { NULL, NULL_CALL, type SizeClass } from '../../src/heaps/heap.js';
import { calloc, realloc } from '../../src/heaps/library.js';
import type { Region } from '../../src/mcu/memory.js';
import { type ReplayMachine, replayMachine } from '../../src/traces/replay-machine.js';
import type { Call } from './calls.js';
import { type Piece, piecesOf } from './device.js';

/** Bytes are counted above the least a heap needs; `shift` moves the arena off its alignment. */
export interface Place {
  readonly alignment: number;
  readonly origin: number;
  readonly shift: number;
  readonly extraBytes: readonly number[];
  readonly options: HeapOptions;
}

/** At NULL, where RAM usually is, across the sign bit, and above it. */
const ORIGINS = [0, 0x2000_0000, 0x7fff_fe00, 0x9000_0000];

/** Where a block would be NULL at address 0, the arena is not put there. */
export function originsFor(definition: HeapDefinition, options: HeapOptions): number[] {
  return ORIGINS.filter((origin) => origin !== 0 || traitsOf(definition, options).notAtZero !== true);
}

export function anyPlace(
  definition: HeapDefinition,
  variants: readonly HeapOptions[] = optionVariants(definition),
): fc.Arbitrary<Place> {
  const extra = fc.oneof(fc.nat(80), fc.nat(1200), fc.nat(8000));
  return fc.constantFrom(...variants).chain((options) => {
    const { regions } = traitsOf(definition, options);
    return fc.record({
      alignment: fc.constantFrom(4, 8, 16, 32),
      origin: fc.constantFrom(...originsFor(definition, options)),
      shift: fc.constantFrom(0, 0, 4, 8, 12, 20, 28),
      extraBytes: fc.array(extra, { minLength: 1, maxLength: regions === 'several' ? 3 : 1 }),
      options: fc.constant(options),
    });
  });
}

/** The defaults, and the defaults with one switch turned or one other word chosen. */
function optionVariants(definition: HeapDefinition): HeapOptions[] {
  const defaults = v.parse(definition.options, {});
  const changed = Object.entries(defaults).flatMap(([name, value]) => {
    const values = typeof value === 'boolean' ? [!value] : wordsFor(definition, name);
    return values.filter((other) => other !== value).map((other) => ({ ...defaults, [name]: other }));
  });
  return [defaults, ...changed];
}

/** The closed list of an option's values, if it has one; without the one by which a refusal ends the run. */
function wordsFor(definition: HeapDefinition, name: string): readonly string[] {
  const { entries } = definition.options as unknown as { entries: Record<string, OptionSchema> };
  return (entries[name]!.wrapped.pipe[0]!.options ?? []).filter((word) => word !== 'abort');
}

interface OptionSchema {
  readonly wrapped: { readonly pipe: readonly { readonly options?: readonly string[] }[] };
}

function placeOf(definition: HeapDefinition, place: Place): ReplayMachine {
  const regions: Region[] = [];
  let origin = place.origin + place.shift;
  for (const extra of place.extraBytes) {
    const bytes = definition.minimumArenaBytes(place.alignment, place.options) + extra;
    regions.push({ name: `heap${regions.length}`, origin, bytes });
    origin = Math.ceil((origin + bytes) / 64) * 64 + 64;
  }
  return replayMachine(definition, place.options, regions, place.alignment);
}

interface Block {
  readonly handle: number;
  readonly bytes: number;
  /** What its piece has at least: what was announced, unless it was resized within its piece. */
  readonly pieceBytes: number;
  /** What it has at most, where a proof says so of new blocks. */
  readonly mostBytes: number;
  /** Seed of the pattern in its payload. */
  readonly seed: number;
  locks: number;
  /** Where it must stay while it is locked. */
  lockedAt: number;
}

export class Model {
  readonly machine: ReplayMachine;
  readonly traits: HeapTraits;
  /** Offsets and free bytes after each call: the heap's answers, free of where the arena lies. */
  readonly answers: string[] = [];
  readonly firstHoles: readonly Piece[];
  private readonly live: Block[] = [];
  private seed = 0;
  private lowest = Number.POSITIVE_INFINITY;

  constructor(
    private readonly definition: HeapDefinition,
    private readonly place: Place,
  ) {
    this.machine = placeOf(definition, place);
    this.traits = traitsOf(definition, place.options);
    this.firstHoles = this.holes();
    this.verify();
  }

  run(calls: readonly Call[]): this {
    for (const call of calls) {
      this.answers.push(`${this.perform(call)} ${this.machine.heap.freeBytes()}`);
      this.verify();
    }
    for (const block of this.live) this.expectContents(block);
    return this;
  }

  /** Gives everything back, every second block first. */
  freeAll(): this {
    for (let index = 0; this.live.some((block) => this.takesBack(block)); index++) {
      this.perform(['free', index]);
      this.verify();
    }
    return this;
  }

  get frees(): boolean {
    return this.traits.neverFrees !== true;
  }

  /** Over heap_1 slab takes back what lies in slabs. */
  private takesBack({ handle }: Block): boolean {
    return this.frees && (this.place.options.inner !== 'heap_1' || this.inPage(handle));
  }

  private inPage(address: number): boolean {
    let isInside = false;
    this.machine.heap.walkPages?.((page, bytes) => {
      if (address >= page && address < page + bytes) isInside = true;
    });
    return isInside;
  }

  /** What payload addresses are multiples of. */
  private get alignment(): number {
    const { alignment, options } = this.place;
    return this.definition.payloadAlignment?.(alignment, options) ?? alignment;
  }

  /** By how much a block may be larger than announced, where that is known. */
  private get surplusBytes(): number {
    const { alignment, options } = this.place;
    if (boundRowOf(this.definition, options) === undefined) return Number.POSITIVE_INFINITY;
    return this.definition.surplusBytes?.(alignment, options) ?? 0;
  }

  /** Whether unlocked blocks may move. */
  get moves(): boolean {
    return this.machine.handles.relocation !== undefined;
  }

  /** Moves what can be moved. */
  compactAll(): this {
    this.perform(['compact', 0]);
    this.verify();
    return this;
  }

  holes(): Piece[] {
    return piecesOf(this.machine.heap).filter(({ kind }) => kind === 'hole');
  }

  private perform(call: Call): number {
    const { handles, heap, memory } = this.machine;
    switch (call[0]) {
      case 'malloc':
        return this.request(call[1], () => {
          const handle = handles.allocate(call[1]);
          this.expectPath(this.definition.pathWords.malloc);
          return handle;
        });
      case 'calloc': {
        const bytes = call[1] * call[2];
        return this.request(bytes, () => {
          const handle = calloc(handles, memory, call[1], call[2]);
          if (handle !== NULL) {
            assert.ok(
              memory.image(this.addressOf(handle), bytes).every((byte) => byte === 0),
              'calloc zeroes',
            );
          }
          return handle;
        });
      }
      case 'realloc': {
        const block = this.live[call[1] % this.live.length];
        if (block === undefined || !this.takesBack(block)) return NULL;
        const bytes = call[2];
        const resized = () => {
          const copy = realloc(handles, memory, block.handle, block.bytes, bytes);
          if (copy !== NULL)
            this.expectPattern(this.addressOf(copy), block.seed, Math.min(bytes, block.bytes));
          if (copy !== NULL || bytes === 0) this.live.splice(this.live.indexOf(block), 1);
          return copy;
        };
        return this.request(bytes, resized, block.handle);
      }
      case 'free': {
        const block = this.live[call[1] % this.live.length];
        if (block === undefined) {
          handles.free(NULL);
          assert.equal(heap.lastCall.path, NULL_CALL, 'free(NULL) does nothing');
          return NULL;
        }
        if (!this.takesBack(block)) return NULL;
        const address = this.expectContents(block);
        handles.free(block.handle);
        this.expectPath(this.definition.pathWords.free);
        this.live.splice(this.live.indexOf(block), 1);
        return this.offset(address);
      }
      case 'lock': {
        const block = this.live[call[1] % this.live.length];
        if (block === undefined) return NULL;
        block.lockedAt = handles.lock(block.handle);
        block.locks++;
        return this.offset(block.lockedAt);
      }
      case 'unlock': {
        const locked = this.live.filter(({ locks }) => locks > 0);
        const block = locked[call[1] % locked.length];
        if (block === undefined) return NULL;
        handles.unlock(block.handle);
        block.locks--;
        return this.offset(this.addressOf(block.handle));
      }
      case 'compact':
        return handles.compact(call[1] === 0 ? UNLIMITED : new ByteBudget(call[1])).bytesMoved;
    }
  }

  private expectPath(words: readonly string[]): void {
    assert.equal(this.machine.heap.lastCall.path >> words.length, 0, 'a path uses the words of its heap');
  }

  /** A call that may return a block of `bytes`: whether it may, and that the block is good. `old`: before. */
  private request(bytes: number, call: () => number, old = NULL): number {
    const { heap } = this.machine;
    const largest = this.holes().reduce((most, hole) => Math.max(most, hole.bytes), 0);
    const fits = heap.blockBytesFor(bytes) <= largest;
    const handle = call();
    if (handle === NULL) {
      assert.ok(
        !fits || bytes === 0 || this.traits.mayPassOverAHole === true,
        'NULL only where no hole is large enough',
      );
      return NULL;
    }
    const makesRoom = this.moves || this.traits.reclaims === true;
    assert.ok(fits || makesRoom || handle === old, 'a block comes out of a hole, or stays where it is');
    const address = this.addressOf(handle);
    assert.equal(address % this.alignment, 0, 'payloads are aligned');
    this.seed++;
    // What moves may have its header elsewhere.
    const isNew = handle !== old && !this.moves;
    const pieceBytes = isNew ? heap.blockBytesFor(bytes) : bytes;
    const mostBytes = isNew ? pieceBytes + this.surplusBytes : Number.POSITIVE_INFINITY;
    this.live.push({ handle, bytes, pieceBytes, mostBytes, seed: this.seed, locks: 0, lockedAt: NULL });
    for (let index = 0; index < bytes; index++) {
      this.machine.memory.storeByte(address + index, this.seed * 31 + index);
    }
    return this.offset(address);
  }

  private offset(address: number): number {
    return address - this.machine.layout.regions[0]!.origin;
  }

  /** Where a block lies now. */
  private addressOf(handle: number): number {
    const address = this.machine.handles.lock(handle);
    this.machine.handles.unlock(handle);
    return address;
  }

  /** Returns where they are. */
  private expectContents({ handle, seed, bytes }: Block): number {
    const address = this.addressOf(handle);
    this.expectPattern(address, seed, bytes);
    return address;
  }

  private expectPattern(address: number, seed: number, bytes: number): void {
    const image = this.machine.memory.image(address, bytes);
    const wrong = image.findIndex((byte, index) => byte !== ((seed * 31 + index) & 0xff));
    assert.equal(wrong, -1, 'contents are kept');
  }

  /** What must hold between any two calls. */
  private verify(): void {
    const { heap } = this.machine;
    heap.check();
    const pieces = piecesOf(heap);
    this.expectTiling(pieces);
    this.expectPages(pieces);
    const used = new Map<number, Piece>();
    for (const piece of pieces) {
      if (piece.kind === 'used') used.set(piece.handle, piece);
      else assert.equal(piece.payload, 0, 'only used pieces have a payload');
    }
    assert.equal(used.size, this.live.length, 'used pieces are the live blocks');
    for (const { handle, bytes, pieceBytes, mostBytes, locks, lockedAt } of this.live) {
      const piece = used.get(handle);
      assert.ok(piece !== undefined, 'every live block is a used piece');
      const { payload } = piece;
      assert.ok(piece.address <= payload && payload + bytes <= piece.address + piece.bytes, 'payload inside');
      assert.ok(piece.bytes >= pieceBytes, 'a block is at least as large as announced');
      assert.ok(piece.bytes <= mostBytes, 'a block is larger than announced by the surplus at most');
      assert.ok(locks === 0 || payload === lockedAt, 'a locked block stays where it is');
      assert.ok(!this.moves || piece.locks === locks, 'locks are counted');
    }
    this.expectCounters();
  }

  private expectTiling(pieces: readonly Piece[]): void {
    let next = 0;
    for (const { origin, bytes } of this.machine.layout.regions) {
      let at = origin;
      while (at < origin + bytes) {
        const piece = pieces[next++];
        assert.equal(piece?.address, at, 'pieces tile the region in address order');
        assert.ok(piece.bytes > 0, 'no piece is empty');
        at += piece.bytes;
      }
      assert.equal(at, origin + bytes, 'the last piece ends with the region');
    }
    assert.equal(next, pieces.length, 'no piece lies outside the regions');
  }

  /** Slabs or pages are whole pieces, and what is free in them is what the classes count. */
  private expectPages(pieces: readonly Piece[]): void {
    const { heap } = this.machine;
    const classes = heap.classes?.();
    assert.equal(classes === undefined, heap.walkPages === undefined, 'classes have pages');
    if (classes === undefined) return;
    let next = 0;
    let pages = 0;
    let freeBytes = 0;
    heap.walkPages!((page, bytes) => {
      while (pieces[next] !== undefined && pieces[next]!.address < page) next++;
      let at = page;
      for (; pieces[next]?.address === at && at < page + bytes; next++) {
        at += pieces[next]!.bytes;
        if (pieces[next]!.kind === 'hole') freeBytes += pieces[next]!.bytes;
      }
      assert.equal(at, page + bytes, 'a page begins and ends with a piece');
      pages++;
    });
    const sum = (count: (one: SizeClass) => number) => classes.reduce((all, one) => all + count(one), 0);
    // Slabs that lie in a page of the inner heap are visited with that page.
    const nested = classes.some(({ of }) => of !== undefined);
    assert.ok(nested || sum((one) => one.pages) === pages, 'each page belongs to a class');
    assert.ok(sum((one) => one.pages) >= pages, 'no page belongs to none');
    assert.equal(
      sum((one) => one.freeBytes),
      freeBytes,
      'classes know what is free in their pages',
    );
  }

  private expectCounters(): void {
    const { heap } = this.machine;
    const minimum = heap.minimumEverFreeBytes?.();
    if (minimum === undefined || this.seed === 0) return;
    assert.ok(minimum <= Math.min(this.lowest, heap.freeBytes()), 'the minimum is one and never rises');
    this.lowest = minimum;
  }
}
