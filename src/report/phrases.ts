/** How reports word what results hold. */

import { formatSeconds, groupDigits, type Position } from '../input/index.js';
import type { RunResult } from '../inspect/result.js';

/** Always in bytes: figures of one report are compared digit by digit. */
export function bytes(count: number): string {
  return `${groupDigits(count)} B`;
}

export function counted(count: number, noun: string, plural = `${noun}s`): string {
  return `${groupDigits(count)} ${count === 1 ? noun : plural}`;
}

/** One decimal; what is not nothing does not look like nothing, what is not all not like all. */
export function percent(share: number): string {
  if (share > 0 && share < 0.001) return '< 0.1 %';
  if (share < 1 && share > 0.999) return '> 99.9 %';
  return `${(share * 100).toFixed(share === 0 || share === 1 ? 0 : 1)} %`;
}

export function time(result: RunResult, cycles: number): string {
  return formatSeconds(cycles / result.target.clockHertz);
}

/** `scenarios/demo.yaml:12`, which terminals and editors make a link of. */
export function place(file: string, at: Position | undefined): string | undefined {
  return at === undefined ? undefined : `${file}:${at.line}`;
}

/** `showcase: heap_2 on STM32F103C8, seed 1`. */
export function runName(result: RunResult): string {
  return `${result.scenario.name}: ${result.heap.name} on ${result.target.name}, seed ${result.seed}`;
}

export function arenaBytes(result: RunResult): number {
  return result.heap.regions.reduce((sum, region) => sum + region.bytes, 0);
}

/** A figure that rests on an estimate is marked as one. */
export function approximate(text: string, estimated: boolean): string {
  return estimated ? `~${text}` : text;
}
