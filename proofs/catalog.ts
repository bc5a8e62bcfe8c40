import { buddy } from './claims/buddy.js';
import { freertos } from './claims/freertos.js';
import { maps } from './claims/maps.js';
import { mempool } from './claims/mempool.js';
import { mimalloc } from './claims/mimalloc.js';
import { mimallocBound } from './claims/mimalloc-bound.js';
import { mimallocPages } from './claims/mimalloc-pages.js';
import { o1heap } from './claims/o1heap.js';
import { tlsf } from './claims/tlsf.js';
import type { Chapter } from './proof.js';

/** In the order in which they are shown. */
export const chapters: readonly Chapter[] = [
  freertos,
  maps,
  tlsf,
  o1heap,
  buddy,
  mempool,
  mimalloc,
  mimallocPages,
  mimallocBound,
];
