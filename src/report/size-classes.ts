/** Heaps that serve requests by size class: which class had nothing left, and where the room was instead. */

import type { OutOfMemoryEvent, SizeClassResult } from '../inspect/result.js';
import type { Paint } from './paint.js';
import { bytes, counted } from './phrases.js';
import { table } from './tables.js';
import { glue } from './text.js';

/** Why the class that was asked had nothing, and what others have; undefined where none was asked. */
export function emptyClassText(event: OutOfMemoryEvent): string | undefined {
  const { classes = [] } = event;
  const asked = classes.find((one) => one.asked);
  if (asked === undefined) return undefined;
  const state =
    asked.slabs === 0
      ? 'has no slab'
      : `has none left: all ${glue(counted(asked.objects, 'object'))} in ${glue(counted(asked.slabs, 'slab'))} are live`;
  return `The ${nameOf(asked)} ${state}, and there is no room for another slab. ${elsewhere(event, classes)}`;
}

function elsewhere({ freeBytes }: OutOfMemoryEvent, classes: readonly SizeClassResult[]): string {
  const partial = classes.filter(({ freeObjects }) => freeObjects > 0);
  const inSlabs = partial.reduce((sum, one) => sum + freeIn(one), 0);
  const places = partial.map((one) => `${amount(freeIn(one))} in the ${nameOf(one)}`);
  if (freeBytes > inSlabs) places.push(`${amount(freeBytes - inSlabs)} outside slabs`);
  if (places.length === 0) return 'Nothing is free elsewhere.';
  return `What is free is of no use to it: ${listed(places)}.`;
}

const COLUMNS = [
  { head: 'objects of' },
  { head: 'slabs', align: 'right' },
  { head: 'live', align: 'right' },
  { head: 'free', align: 'right' },
  { head: 'free bytes', align: 'right' },
  { head: '', minimum: 5 },
] as const;

/** A row for each class that has slabs or was asked; undefined where the heap has no classes. */
export function sizeClassTable({ classes }: OutOfMemoryEvent, paint: Paint): string | undefined {
  const shown = classes?.filter(({ slabs, asked }) => slabs > 0 || asked) ?? [];
  if (shown.length === 0) return undefined;
  const rows = shown.map((one) => [
    `${bytes(one.objectBytes)}${one.isCache ? ', a cache' : ''}`,
    `${one.slabs}`,
    `${one.objects - one.freeObjects}`,
    `${one.freeObjects}`,
    bytes(freeIn(one)),
    one.asked ? paint.color.red('asked') : '',
  ]);
  return table(COLUMNS, rows, paint);
}

function nameOf({ objectBytes, isCache }: SizeClassResult): string {
  return `${isCache ? 'cache' : 'class'} of ${glue(`${bytes(objectBytes)} objects`)}`;
}

function freeIn({ freeObjects, objectBytes }: SizeClassResult): number {
  return freeObjects * objectBytes;
}

function amount(count: number): string {
  return glue(bytes(count));
}

function listed(places: readonly string[]): string {
  return places.length === 1 ? places[0]! : `${places.slice(0, -1).join(', ')} and ${places.at(-1)}`;
}
