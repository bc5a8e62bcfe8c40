/** The firmware's caches, by name. On a heap that has none, malloc and free serve in their place. */

import { Fault } from '../mcu/index.js';
import type { Block, CacheRequest } from '../scenario/firmware.js';
import type { Board } from './board.js';
import type { RunEvents } from './events.js';

interface Cache {
  readonly objectBytes: number;
  /** What the heap calls it; undefined where the heap has no caches. */
  readonly id: number | undefined;
}

/** What a cache is asked for. */
export interface CacheObjects extends Pick<Cache, 'id'> {
  readonly cache: string;
  readonly objects: number;
}

/** The heap calls that those of a cache are made of. */
export interface HeapCalls {
  /** Objects of a cache, or `bytes` if there is none. */
  take(bytes: number, request: CacheRequest, from: CacheObjects | undefined): Block | undefined;
  /** A request that the heap is not asked for. */
  refuse(bytes: number, request: CacheRequest): undefined;
  free(block: Block): void;
  /** Lets the time pass that a call takes which no cost table knows. */
  timed(name: string, call: () => void): void;
}

export class FirmwareCaches {
  private readonly existing = new Map<string, Cache>();
  private readonly destroyed = new Set<string>();

  constructor(
    private readonly board: Board,
    private readonly events: RunEvents,
    private readonly calls: HeapCalls,
  ) {}

  /** `kmem_cache_create`; nothing but a note where the heap has no caches. */
  create(name: string, objectBytes: number): void {
    const { kernel, handles, cacheNames } = this.board;
    kernel.assertInTask('cache');
    if (this.existing.has(name)) {
      throw new Fault('illegal-call', 0, `cache ${name}: it has been created already`);
    }
    let id: number | undefined;
    if (handles.createCache !== undefined) {
      this.calls.timed('cache', () => {
        id = handles.createCache!(objectBytes);
      });
      cacheNames.set(id!, name);
    }
    this.existing.set(name, { objectBytes, id });
  }

  private named(name: string): Cache {
    const cache = this.existing.get(name);
    if (cache !== undefined) return cache;
    const state = this.destroyed.has(name) ? 'been destroyed' : 'not been created';
    throw new Fault('illegal-call', 0, `cache ${name} has ${state}`);
  }

  /** `kmem_cache_alloc`, `mp_cache_alloc_array`. As of calloc, overflow is refused before the heap is asked. */
  mallocFrom(request: CacheRequest): Block | undefined {
    const { cache, objects } = request;
    const { id, objectBytes } = this.named(cache);
    const bytes = objects * objectBytes;
    if (bytes < 2 ** 32)
      return this.calls.take(bytes, request, bytes === 0 ? undefined : { id, cache, objects });
    this.board.kernel.assertInTask('malloc');
    return this.calls.refuse(bytes, request);
  }

  /**
   * `kmem_cache_destroy`: what lives in the cache's pages goes with them. What malloc has served in its place is freed, a
   * block at a time.
   */
  destroy(name: string): void {
    const { kernel, handles, blocks, cacheNames } = this.board;
    kernel.assertInTask('destroy cache');
    const { id } = this.named(name);
    this.existing.delete(name);
    this.destroyed.add(name);
    if (id !== undefined) {
      this.calls.timed('destroy cache', () => handles.destroyCache!(id));
      cacheNames.delete(id);
    }
    const rest = id === undefined ? undefined : this.livePayloads();
    for (const block of blocks.all()) {
      if (block.cache !== name) continue;
      if (rest?.has(block.handle) === false) this.forget(block);
      else if (blocks.get(block.handle) === block) this.calls.free(block);
    }
  }

  private livePayloads(): Set<number> {
    const payloads = new Set<number>();
    this.board.heap.walk((kind, _address, _bytes, payload) => {
      if (kind === 'used') payloads.add(payload);
    });
    return payloads;
  }

  private forget(block: Block): void {
    this.board.blocks.delete(block);
    this.events.freed(block);
  }
}
