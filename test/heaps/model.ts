/**
 * What every heap promises, as a model: which blocks are live, how much was asked for, what lies in them.
 * It makes a call on the heap, then holds what the heap shows of itself against what it knows.
 */

import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import * as v from 'valibot';
import type { HeapDefinition, HeapOptions } from '../../src/heaps/definition.js';
import { NULL, NULL_CALL } from '../../src/heaps/heap.js';
import { calloc, realloc } from '../../src/heaps/library.js';
import type { Region } from '../../src/mcu/memory.js';
import { type ReplayMachine, replayMachine } from '../../src/traces/replay-machine.js';
import { type Piece, piecesOf } from './device.js';

/** `pick` chooses among the live blocks. */
export type Call =
  | readonly [kind: 'malloc', bytes: number]
  | readonly [kind: 'calloc', count: number, bytes: number]
  | readonly [kind: 'realloc', pick: number, bytes: number]
  | readonly [kind: 'free', pick: number];

const anySize = fc.oneof(
  { weight: 6, arbitrary: fc.nat(64) },
  { weight: 3, arbitrary: fc.nat(600) },
  { weight: 1, arbitrary: fc.nat(9000) },
  { weight: 1, arbitrary: fc.constantFrom(0, 2 ** 31 - 9, 2 ** 31 - 8, 2 ** 31, 2 ** 32 - 16, 2 ** 32 - 1) },
);
const pick = fc.nat(1000);
const anyCall: fc.Arbitrary<Call> = fc.oneof(
  { weight: 5, arbitrary: fc.tuple(fc.constant('malloc' as const), anySize) },
  { weight: 4, arbitrary: fc.tuple(fc.constant('free' as const), pick) },
  { weight: 1, arbitrary: fc.tuple(fc.constant('realloc' as const), pick, anySize) },
  { weight: 1, arbitrary: fc.tuple(fc.constant('calloc' as const), fc.nat(5), anySize) },
);
export const anyCalls = fc.array(anyCall, { minLength: 1, maxLength: 100, size: 'max' });

/** Bytes are counted above the least a heap needs; `shift` moves the arena off its alignment. */
export interface Place {
  readonly alignment: number;
  readonly origin: number;
  readonly shift: number;
  readonly extraBytes: readonly number[];
  readonly options: HeapOptions;
}

/** At NULL, where RAM usually is, across the sign bit, and above it. */
export const ORIGINS = [0, 0x2000_0000, 0x7fff_fe00, 0x9000_0000];

export function anyPlace(definition: HeapDefinition): fc.Arbitrary<Place> {
  const extra = fc.oneof(fc.nat(80), fc.nat(1200), fc.nat(8000));
  return fc.record({
    alignment: fc.constantFrom(4, 8, 16),
    origin: fc.constantFrom(...ORIGINS),
    shift: fc.constantFrom(0, 0, 4, 8, 12),
    extraBytes: fc.array(extra, { minLength: 1, maxLength: definition.regions === 'several' ? 3 : 1 }),
    options: fc.constantFrom(...optionVariants(definition)),
  });
}

/** The defaults, and the defaults with one switch turned. */
function optionVariants(definition: HeapDefinition): HeapOptions[] {
  const defaults = v.parse(definition.options, {});
  const changed = Object.entries(defaults).flatMap(([name, value]) =>
    typeof value === 'boolean' ? [{ ...defaults, [name]: !value }] : [],
  );
  return [defaults, ...changed];
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
  readonly address: number;
  readonly bytes: number;
  /** Seed of the pattern in its payload. */
  readonly seed: number;
}

export class Model {
  readonly machine: ReplayMachine;
  /** Offsets and free bytes after each call: the heap's answers, free of where the arena lies. */
  readonly answers: string[] = [];
  readonly firstHoles: readonly Piece[];
  private readonly live: Block[] = [];
  private seed = 0;
  private lowest = Number.POSITIVE_INFINITY;

  constructor(
    private readonly definition: HeapDefinition,
    place: Place,
  ) {
    this.machine = placeOf(definition, place);
    this.firstHoles = this.holes();
    this.verify();
  }

  run(calls: readonly Call[]): this {
    for (const call of calls) {
      this.answers.push(`${this.perform(call)} ${this.machine.heap.freeBytes()}`);
      this.verify();
    }
    for (const block of this.live) this.expectPattern(block.address, block.seed, block.bytes);
    return this;
  }

  /** Gives everything back, every second block first. */
  freeAll(): this {
    for (let index = 0; this.frees && this.live.length > 0; index++) {
      this.perform(['free', index]);
      this.verify();
    }
    return this;
  }

  get frees(): boolean {
    return this.definition.neverFrees !== true;
  }

  holes(): Piece[] {
    return piecesOf(this.machine.heap).filter(({ kind }) => kind === 'hole');
  }

  private perform(call: Call): number {
    const { heap, memory } = this.machine;
    switch (call[0]) {
      case 'malloc':
        return this.request(call[1], () => {
          const address = heap.malloc(call[1]);
          this.expectPath(this.definition.pathWords.malloc);
          return address;
        });
      case 'calloc': {
        const bytes = call[1] * call[2];
        return this.request(bytes, () => {
          const address = calloc(heap, memory, call[1], call[2]);
          if (address !== NULL) {
            assert.ok(
              memory.image(address, bytes).every((byte) => byte === 0),
              'calloc zeroes',
            );
          }
          return address;
        });
      }
      case 'realloc': {
        const block = this.live[call[1] % this.live.length];
        if (block === undefined || !this.frees) return NULL;
        const bytes = call[2];
        return this.request(bytes, () => {
          const moved = realloc(heap, memory, block.address, block.bytes, bytes);
          if (moved !== NULL) this.expectPattern(moved, block.seed, Math.min(bytes, block.bytes));
          if (moved !== NULL || bytes === 0) this.live.splice(this.live.indexOf(block), 1);
          return moved;
        });
      }
      case 'free': {
        const block = this.live[call[1] % this.live.length];
        if (block === undefined) {
          heap.free(NULL);
          assert.equal(heap.lastCall.path, NULL_CALL, 'free(NULL) does nothing');
          return NULL;
        }
        if (!this.frees) return NULL;
        this.expectPattern(block.address, block.seed, block.bytes);
        heap.free(block.address);
        this.expectPath(this.definition.pathWords.free);
        this.live.splice(this.live.indexOf(block), 1);
        return this.offset(block.address);
      }
    }
  }

  private expectPath(words: readonly string[]): void {
    assert.equal(this.machine.heap.lastCall.path >> words.length, 0, 'a path uses the words of its heap');
  }

  /** A call that may return a block of `bytes`: whether it may, and that the block is good. */
  private request(bytes: number, call: () => number): number {
    const { heap, layout } = this.machine;
    const largest = this.holes().reduce((most, hole) => Math.max(most, hole.bytes), 0);
    const fits = bytes > 0 && heap.blockBytesFor(bytes) <= largest;
    const address = call();
    if (address === NULL) {
      assert.ok(
        !fits || this.definition.mayPassOverAHole === true,
        'NULL only where no hole is large enough',
      );
      return NULL;
    }
    assert.ok(fits, 'a block comes out of a hole');
    const alignment = this.definition.payloadAlignment?.(layout.alignment) ?? layout.alignment;
    assert.equal(address % alignment, 0, 'payloads are aligned');
    this.seed++;
    this.live.push({ address, bytes, seed: this.seed });
    for (let index = 0; index < bytes; index++) {
      this.machine.memory.storeByte(address + index, this.seed * 31 + index);
    }
    return this.offset(address);
  }

  private offset(address: number): number {
    return address - this.machine.layout.regions[0]!.origin;
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
    const used = new Map<number, Piece>();
    for (const piece of pieces) {
      if (piece.kind === 'used') used.set(piece.payload, piece);
      else assert.equal(piece.payload, 0, 'only used pieces have a payload');
    }
    assert.equal(used.size, this.live.length, 'used pieces are the live blocks');
    for (const { address, bytes } of this.live) {
      const piece = used.get(address);
      assert.ok(piece !== undefined, 'every live block is a used piece');
      assert.ok(piece.address <= address && address + bytes <= piece.address + piece.bytes, 'payload inside');
      assert.ok(piece.bytes >= heap.blockBytesFor(bytes), 'a block is at least as large as announced');
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

  private expectCounters(): void {
    const { heap } = this.machine;
    const minimum = heap.minimumEverFreeBytes?.();
    if (minimum === undefined || this.seed === 0) return;
    assert.ok(minimum <= Math.min(this.lowest, heap.freeBytes()), 'the minimum is one and never rises');
    this.lowest = minimum;
  }
}
