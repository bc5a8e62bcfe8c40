/** What a debugger sees of the slab heap: slabs as what they are to the inner heap, and the objects in them. */

import type { Memory, Region } from '../../mcu/memory.js';
import { wordBetween, wordOfHole, wordOfUsed } from '../block-words.js';
import type { BlockWords } from '../definition.js';
import { Corruption, type Heap, type PieceKind, type PieceVisitor, type SizeClass } from '../heap.js';
import {
  CACHE,
  CACHE_BYTES,
  DESTROYED,
  FREE_MAP,
  mapWords,
  OBJECT_BYTES,
  OBJECTS,
  type SlabCaches,
  USED_OBJECTS,
} from './slab-caches.js';

/** The heap that slabs come from, and what its catalog entry says of it. */
export interface SlabSource {
  readonly heap: Heap;
  readonly name: string;
  /** What the directories leave of the regions. */
  readonly regions: readonly Region[];
  readonly words: BlockWords;
  /** Whether a slab can be given back. */
  readonly takesBack: boolean;
}

/** What was asked last: a cache's address, or one of these. */
export const NOTHING_ASKED = 0;
export const INNER_ASKED = 1;

/** Of a slab, from its start. */
const SLAB_WORDS = ['next', 'previous', 'cache', 'used'] as const;

interface InnerPiece {
  readonly kind: PieceKind;
  readonly address: number;
  readonly bytes: number;
  readonly payload: number;
}

export class SlabView {
  /** `cachesMade`: where they are counted; the first `classes` of them malloc serves from. */
  constructor(
    private readonly memory: Memory,
    private readonly caches: SlabCaches,
    private readonly source: SlabSource,
    private readonly cachesMade: number,
    private readonly classCount: number,
  ) {}

  private isSlab({ kind, payload }: InnerPiece): boolean {
    return kind === 'used' && this.caches.slabOf(payload) === payload;
  }

  /** What the slabs take would be free. */
  largestBlockBytes(): number {
    const { heap } = this.source;
    const known = heap.largestBlockBytes?.();
    if (known !== undefined) return known;
    let largest = 0;
    let span = 0;
    heap.walk((kind, _address, bytes) => {
      span = kind === 'bookkeeping' ? 0 : span + bytes;
      largest = Math.max(largest, span);
    });
    return largest;
  }

  // --- pieces -------------------------------------------------------------------------------------------

  /** The inner heap's pieces; a slab is bookkeeping around its objects, of which the free ones are holes. */
  walk(visit: PieceVisitor): void {
    const { stretches } = this.caches.layout;
    let region = 0;
    const visitDirectories = (below: number) => {
      for (; region < stretches.length && stretches[region]!.directory < below; region++) {
        const { directory, end } = stretches[region]!;
        visit('bookkeeping', directory, end - directory, 0);
      }
    };
    this.source.heap.walk((kind, address, bytes, payload) => {
      visitDirectories(address);
      const piece = { kind, address, bytes, payload };
      if (this.isSlab(piece)) this.walkSlab(piece, visit);
      else visit(kind, address, bytes, payload);
    });
    visitDirectories(Number.POSITIVE_INFINITY);
  }

  private walkSlab({ payload: slab, address, bytes }: InnerPiece, visit: PieceVisitor): void {
    const { memory, caches } = this;
    const cache = this.cacheOf(slab);
    const objects = memory.loadWord(cache + OBJECTS);
    const objectBytes = memory.loadWord(cache + OBJECT_BYTES);
    const first = slab + caches.firstOffset(objects);
    visit('bookkeeping', address, first - address, 0);
    for (let index = 0; index < objects; index++) {
      const object = first + index * objectBytes;
      if (caches.isFree(slab, index)) visit('hole', object, objectBytes, 0);
      else visit('used', object, objectBytes, object);
    }
    const end = first + objects * objectBytes;
    if (address + bytes > end) visit('bookkeeping', end, address + bytes - end, 0);
  }

  /** @throws Corruption where it is none */
  private cacheOf(slab: number): number {
    const cache = this.memory.loadWord(slab + CACHE);
    if (this.caches.indexOf(cache) === undefined) {
      throw new Corruption("a slab's cache is none", slab + CACHE);
    }
    return cache;
  }

  /** Slabs, as the inner heap's blocks that they are, and its own pages; what lies in such a page is part of it. */
  walkPages(visit: (address: number, bytes: number, task?: number) => void): void {
    const { heap } = this.source;
    const pages: { address: number; end: number; task: number | undefined }[] = [];
    heap.walkPages?.((address, bytes, task) => pages.push({ address, end: address + bytes, task }));
    let next = 0;
    const visitPages = (to: number) => {
      for (; next < pages.length && pages[next]!.address <= to; next++) {
        const { address, end, task } = pages[next]!;
        visit(address, end - address, task);
      }
    };
    heap.walk((kind, address, bytes, payload) => {
      if (!this.isSlab({ kind, address, bytes, payload })) return;
      visitPages(address);
      if (address >= (pages[next - 1]?.end ?? 0)) visit(address, bytes);
    });
    visitPages(Number.POSITIVE_INFINITY);
  }

  // --- classes ------------------------------------------------------------------------------------------

  /** Those of caches, then the inner heap's. `asked`: by the last request. */
  classes(asked: number): SizeClass[] {
    const { heap, name } = this.source;
    const inner = heap.classes?.() ?? [];
    const isAsked = asked === INNER_ASKED;
    return [
      ...this.ownClasses(asked),
      ...inner.map((one) => ({ ...one, of: name, asked: one.asked && isAsked })),
    ];
  }

  private ownClasses(asked: number): SizeClass[] {
    const { memory, caches, source } = this;
    const { layout } = caches;
    const pageBytes = source.heap.blockBytesFor(layout.slabBytes);
    const classes = Array.from({ length: memory.loadWord(this.cachesMade) }, (_, index) => {
      const cache = layout.caches + index * CACHE_BYTES;
      return {
        objectBytes: memory.loadWord(cache + OBJECT_BYTES),
        ...(index >= this.classCount && { cache }),
        asked: cache === asked,
        pageWord: 'slab' as const,
        pageBytes,
        pages: 0,
        liveObjects: 0,
        freeObjects: 0,
        freeBytes: 0,
      };
    });
    caches.visitSlabs((slab) => {
      const cache = this.cacheOf(slab);
      const known = classes[caches.indexOf(cache)!];
      if (known === undefined) throw new Corruption("a slab's cache is none", slab + CACHE);
      const live = memory.loadWord(slab + USED_OBJECTS);
      const free = memory.loadWord(cache + OBJECTS) - live;
      known.pages++;
      known.liveObjects += live;
      known.freeObjects += free;
      known.freeBytes += free * known.objectBytes;
    });
    return classes.filter(({ objectBytes }) => objectBytes !== DESTROYED);
  }

  // --- words --------------------------------------------------------------------------------------------

  wordAt(at: number, pieceAddress: number): string | undefined {
    const { caches, source } = this;
    const { heap, words, regions } = source;
    if (caches.layout.stretches.some(({ directory, end }) => at >= directory && at < end)) return 'directory';
    const piece = this.innerPieceAt(at);
    if (piece === undefined) return undefined;
    if (this.isSlab(piece)) return wordOfUsed(piece, at, words) ?? this.wordOfSlab(piece.payload, at);
    if (heap.wordAt !== undefined) return heap.wordAt(at, pieceAddress);
    return piece.kind === 'hole'
      ? wordOfHole(piece, at, words)
      : wordBetween(piece, words, regions, heap.blockBytesFor(1));
  }

  /** What the page is called that an address lies in, or the slab if that is the smaller one. */
  pageWordAt(at: number): 'slab' | 'page' {
    const piece = this.innerPieceAt(at);
    return piece !== undefined && this.isSlab(piece) ? 'slab' : 'page';
  }

  private wordOfSlab(slab: number, at: number): string | undefined {
    const { memory } = this;
    const offset = at - slab;
    if (offset < FREE_MAP) return SLAB_WORDS[offset >>> 2];
    const objects = memory.loadWord(this.cacheOf(slab) + OBJECTS);
    return offset < FREE_MAP + 4 * mapWords(objects) ? 'free map' : undefined;
  }

  private innerPieceAt(at: number): InnerPiece | undefined {
    let found: InnerPiece | undefined;
    this.source.heap.walk((kind, address, bytes, payload) => {
      if (at >= address && at < address + bytes) found = { kind, address, bytes, payload };
    });
    return found;
  }
}
