/** Finds the measured cost tables, `costs/<heap>[-kernel]-cortex-m3-<build>.json`. */

import { existsSync, readFileSync } from 'node:fs';
import type { HeapDefinition } from '../heaps/definition.js';
import { packageFile } from '../input/package-file.js';
import { CostTable, type CostTableFile } from './cost-table.js';

/** The compilers' builds that were measured. */
export const BUILDS = ['gcc12-Os', 'gcc12-O2'] as const;
export type Build = (typeof BUILDS)[number];

/** Without the kernel's part of `xTaskResumeAll`; undefined where the heap was not measured. */
export function plainCostTable(heap: HeapDefinition, build: Build): CostTable | undefined {
  return readTable(`${heap.name}-cortex-m3-${build}.json`, heap);
}

/** What a device pays: with the kernel's `xTaskResumeAll` where that was measured, else the plain one. */
export function deviceCostTable(heap: HeapDefinition, build: Build): CostTable | undefined {
  return readTable(`${heap.name}-kernel-cortex-m3-${build}.json`, heap) ?? plainCostTable(heap, build);
}

function readTable(name: string, heap: HeapDefinition): CostTable | undefined {
  const file = packageFile(`costs/${name}`);
  if (!existsSync(file)) return undefined;
  return new CostTable(JSON.parse(readFileSync(file, 'utf8')) as CostTableFile, heap);
}
