/** Heaps that serve requests by size class: which class had nothing left, and where the room was instead. */

import type { OutOfMemoryEvent, SizeClassResult } from '../inspect/result.js';
import type { Paint } from './paint.js';
import { bytes, counted } from './phrases.js';
import { table } from './tables.js';
import { glue } from './text.js';

/**
 * Why the class that was asked had nothing, and what others have; or why what they have was of no use to a
 * request that none of them serves. Undefined where classes are not what decided.
 */
export function emptyClass(event: OutOfMemoryEvent): { headline: string; explanation: string } | undefined {
  const { classes = [] } = event;
  const asked = classes.find((one) => one.asked);
  if (asked !== undefined) {
    return {
      headline: `enough memory, but its ${kindOf(asked)} was empty`,
      explanation: `${askedText(asked)} ${elsewhere(event, classes, asked)}`,
    };
  }
  if (classes.length === 0 || event.needed <= largestOutside(event)) return undefined;
  const pages = pagesOf(classes);
  const outside = amount(event.freeBytes - sumOf(classes));
  return {
    headline: `enough memory, but in ${pages} of other sizes`,
    explanation:
      `No class serves so much: it has to come from what is not in ${pages}, where ${outside} are free. ` +
      elsewhere(event, classes),
  };
}

/** Of the holes that lie in no page. */
function largestOutside({ map }: OutOfMemoryEvent): number {
  return map.reduce(
    (most, { kind, page, bytes: size }) =>
      kind === 'hole' && page === undefined ? Math.max(most, size) : most,
    0,
  );
}

/** What the asked class could never get, as not even an empty heap has it; undefined where none was asked. */
export function impossiblePageText(heap: string, { classes = [] }: OutOfMemoryEvent): string | undefined {
  const asked = classes.find((one) => one.asked);
  if (asked === undefined) return undefined;
  return (
    `It could never be served: the ${nameOf(asked)} takes a ${asked.pageWord} of ${amount(asked.pageBytes)} first, ` +
    `and not even an empty ${heap} has that in one piece.`
  );
}

function askedText(asked: SizeClassResult): string {
  const { pages, pageWord, pageBytes, liveObjects, objectBytes } = asked;
  const held = glue(counted(pages, pageWord));
  const state =
    pages === 0
      ? `has no ${pageWord}`
      : objectBytes === undefined
        ? `has no room for it in its ${held}`
        : `has none left: all ${glue(counted(liveObjects, 'object'))} in ${held} are live`;
  return `The ${nameOf(asked)} ${state}, and there is no room for another ${pageWord} of ${amount(pageBytes)}.`;
}

function elsewhere(
  { freeBytes }: OutOfMemoryEvent,
  classes: readonly SizeClassResult[],
  asked?: SizeClassResult,
): string {
  const places = classes.flatMap((one) =>
    one.freeBytes > 0 ? [`${amount(one.freeBytes)} in the ${nameOf(one)}`] : [],
  );
  const outside = freeBytes - sumOf(classes);
  if (asked !== undefined && outside > 0) {
    const pieces = outside < asked.pageBytes ? '' : `, in pieces too small for a ${asked.pageWord}`;
    places.push(`${amount(outside)} outside ${pagesOf(classes)}${pieces}`);
  }
  if (places.length === 0) return 'Nothing is free elsewhere.';
  return `What is free ${asked === undefined ? 'elsewhere ' : ''}is of no use to it: ${listed(places)}.`;
}

function sumOf(classes: readonly SizeClassResult[]): number {
  return classes.reduce((sum, { freeBytes }) => sum + freeBytes, 0);
}

/** `slabs`, `slabs and pages`. */
function pagesOf(classes: readonly SizeClassResult[]): string {
  return [...new Set(classes.map(({ pageWord }) => `${pageWord}s`))].join(' and ');
}

/** A row for each class that has pages or was asked; undefined where the heap has no classes. */
export function sizeClassTable({ classes }: OutOfMemoryEvent, paint: Paint): string | undefined {
  const shown = classes?.filter(({ pages, asked }) => pages > 0 || asked) ?? [];
  if (shown.length === 0) return undefined;
  const columns = [
    { head: 'objects of' },
    { head: pagesOf(shown), align: 'right' },
    { head: 'live', align: 'right' },
    { head: 'free', align: 'right' },
    { head: 'free bytes', align: 'right' },
    { head: '', minimum: 5 },
  ] as const;
  const rows = shown.map((one) => [
    `${one.name ?? sizeOf(one)}${one.isCache ? `, ${cacheOf(one) ?? 'a cache'}` : ''}${one.of === undefined ? '' : `, ${one.of}`}`,
    `${one.pages}`,
    `${one.liveObjects}`,
    `${one.freeObjects}`,
    bytes(one.freeBytes),
    one.asked ? paint.color.red('asked') : '',
  ]);
  return table(columns, rows, paint);
}

function kindOf({ isCache, name }: SizeClassResult): string {
  if (name !== undefined) return 'pool';
  return isCache ? 'cache' : 'size class';
}

function nameOf(one: SizeClassResult): string {
  const whose = one.of === undefined ? '' : ` of ${one.of}`;
  const kind = cacheOf(one) ?? (one.isCache ? 'cache' : 'class');
  return `${one.name ?? `${kind} of ${glue(`${sizeOf(one)} objects`)}`}${whose}`;
}

/** `cache frames`, where the firmware's name is known. */
function cacheOf({ cacheName }: SizeClassResult): string | undefined {
  return cacheName === undefined ? undefined : glue(`cache ${cacheName}`);
}

function sizeOf({ objectBytes }: SizeClassResult): string {
  return objectBytes === undefined ? 'any size' : bytes(objectBytes);
}

function amount(count: number): string {
  return glue(bytes(count));
}

function listed(places: readonly string[]): string {
  return places.length === 1 ? places[0]! : `${places.slice(0, -1).join(', ')} and ${places.at(-1)}`;
}
