/** Finds the measured cost tables, `costs/<heap>[-kernel]-cortex-m3-<build>.json`. */

import { existsSync, readFileSync } from 'node:fs';
import * as v from 'valibot';
import type { HeapDefinition, HeapOptions } from '../heaps/definition.js';
import { packageFile } from '../input/package-file.js';
import { CostTable, type CostTableFile, type MeasuredPrice } from './cost-table.js';

/** The compilers' builds that were measured. */
export const BUILDS = ['gcc12-Os', 'gcc12-O2'] as const;
export type Build = (typeof BUILDS)[number];

/** The heap that was measured with the kernel and without. */
const REFERENCE = 'heap_4';

/** Without the kernel's part of `xTaskResumeAll`; undefined where the heap was not measured. */
export function plainCostTable(heap: HeapDefinition, build: Build): CostTable | undefined {
  const file = readTable(heap.name, build);
  return file && new CostTable(file, heap);
}

/** What a device pays, the kernel's `xTaskResumeAll` included; undefined where the heap was not measured. */
export function deviceCostTable(heap: HeapDefinition, build: Build): CostTable | undefined {
  const file = readTable(`${heap.name}-kernel`, build) ?? withKernel(readTable(heap.name, build), build);
  return file && new CostTable(file, heap);
}

/** The builds with which the heap was measured. */
export function measuredBuilds(heap: HeapDefinition): Build[] {
  return BUILDS.filter((build) => existsSync(tablePath(heap.name, build)));
}

/**
 * The options that are not as they were when the heap was measured. Only its asserts' cost is not known: they
 * were off, and here they are on unless told otherwise.
 */
export function unmeasuredOptions(heap: HeapDefinition, options: HeapOptions): string[] {
  const measured = v.parse(heap.options, {});
  return Object.keys(options).filter((name) => name !== 'asserts' && options[name] !== measured[name]);
}

/** What resuming the scheduler adds is the same for every call that suspends it: free(NULL) does not. */
function withKernel(plain: CostTableFile | undefined, build: Build): CostTableFile | undefined {
  if (plain === undefined) return undefined;
  const [alone, resuming] = [REFERENCE, `${REFERENCE}-kernel`].map(
    (name) => readTable(name, build)!.paths.free!,
  );
  const add = ({ instructions, est_cycles_P2 }: MeasuredPrice): MeasuredPrice => ({
    instructions: instructions + resuming!.instructions - alone!.instructions,
    est_cycles_P2: est_cycles_P2.map(
      (cycles) => cycles + resuming!.est_cycles_P2[0]! - alone!.est_cycles_P2[0]!,
    ),
  });
  const paths = Object.entries(plain.paths).map(([name, price]) => [
    name,
    name === 'free NULL' ? price : add(price),
  ]);
  return { ...plain, variant: 'kernel added', paths: Object.fromEntries(paths) };
}

function readTable(name: string, build: Build): CostTableFile | undefined {
  const path = tablePath(name, build);
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as CostTableFile) : undefined;
}

function tablePath(name: string, build: Build): string {
  return packageFile(`costs/${name}-cortex-m3-${build}.json`);
}
