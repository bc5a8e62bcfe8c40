/** Paths through a heap's code, as the heap reports them, taken apart into the words of its vocabulary. */

import type { HeapDefinition } from '../heaps/definition.js';
import { NULL_CALL } from '../heaps/heap.js';

/** A word's bits in a path. They hold how often it happened. */
interface Field {
  readonly shift: number;
  readonly maximum: number;
}

/** The words of one kind of call. A word that stands several times is counted in as many bits. */
export class PathWords {
  private readonly fields = new Map<string, Field>();

  constructor(heap: HeapDefinition, kind: 'malloc' | 'free') {
    const words = heap.pathWords[kind];
    for (const word of new Set(words)) {
      const bits = words.filter((other) => other === word).length;
      this.fields.set(word, { shift: words.indexOf(word), maximum: 2 ** bits - 1 });
    }
  }

  /** Of a path as a cost table names it: `map_small=2 rm ins`. */
  parse(name: string): number {
    if (name === 'NULL') return NULL_CALL;
    let path = 0;
    for (const part of name.split(' ').filter((text) => text !== '')) {
      const [word, times = '1'] = part.split('=');
      const field = this.fields.get(word!);
      if (field === undefined || !(Number(times) <= field.maximum)) {
        throw new Error(`the cost table's path "${name}" has ${part}, which the heap does not know`);
      }
      path |= Number(times) << field.shift;
    }
    return path;
  }

  /** How often each word happened, in the vocabulary's order. */
  counts(path: number): number[] {
    return [...this.fields.values()].map(({ shift, maximum }) => (path >>> shift) & maximum);
  }

  /** The path with these counts; undefined where there is none. */
  path(counts: readonly number[]): number | undefined {
    let path = 0;
    for (const [index, { shift, maximum }] of [...this.fields.values()].entries()) {
      const count = counts[index]!;
      if (count < 0 || count > maximum) return undefined;
      path |= count << shift;
    }
    return path;
  }
}
