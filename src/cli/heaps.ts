/** `heaplab heaps`: the allocators, or one of them with its facts. */

import * as v from 'valibot';
import { catalog } from '../heaps/catalog.js';
import type { HeapDefinition } from '../heaps/definition.js';
import { type HeapDescription, heapList, heapReport } from '../report/listings.js';
import { alignmentFlag, heapNamed, optionNames } from './flags.js';
import { SUCCESS, type Terminal } from './terminal.js';

interface HeapsFlags {
  readonly alignment: string;
  readonly json?: boolean;
}

export function heapsCommand(terminal: Terminal, name: string | undefined, flags: HeapsFlags): number {
  const alignment = alignmentFlag(flags.alignment)!;
  const described = (name === undefined ? catalog : [heapNamed(name)]).map(describe);
  const json = () => JSON.stringify(name === undefined ? described : described[0], null, 2);
  if (flags.json === true) terminal.print(`${json()}\n`);
  else if (name === undefined) terminal.print(`${heapList(described, terminal)}\n`);
  else terminal.print(`${heapReport(described[0]!, alignment, terminal)}\n`);
  return SUCCESS;
}

function describe(heap: HeapDefinition): HeapDescription {
  const defaults = v.parse(heap.options, {});
  const entries = (heap.options as unknown as { entries: Record<string, v.GenericSchema> }).entries;
  return {
    name: heap.name,
    origin: heap.origin,
    ...heap.facts,
    staticBytes: heap.staticBytes(defaults),
    regions: heap.regions,
    options: optionNames(heap).map((option) => ({
      name: option,
      default: String(defaults[option]),
      description: descriptionOf(entries[option]!),
    })),
  };
}

/** valibot keeps the description in the schema that `v.optional` wraps. */
function descriptionOf(schema: v.GenericSchema): string {
  const wrapped = (schema as unknown as { wrapped?: v.GenericSchema }).wrapped ?? schema;
  return v.getDescription(wrapped as Parameters<typeof v.getDescription>[0]) ?? '';
}
