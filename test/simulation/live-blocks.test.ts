import { describe, expect, it } from 'vitest';
import type { Block } from '../../src/scenario/firmware.js';
import { LiveBlocks } from '../../src/simulation/live-blocks.js';

const ORIGIN = 0x2000_0000;

function block(handle: number, serial: number): Block {
  const names = { cache: undefined, objects: 1, label: 'block', owner: 'task', at: undefined };
  return { handle, serial, bytes: 8, ...names, allocatedCycle: 0, filledBytes: 0, pattern: 0 };
}

describe('live blocks', () => {
  /** At both ends of a heap of 1 GiB, and outside. */
  const handles = [ORIGIN, ORIGIN + 2 ** 30 - 4, ORIGIN + 2 ** 24, ORIGIN - 8, 4];
  const blocks = handles.map((handle, index) => block(handle, index + 1));

  it('are found by their handles wherever they lie', () => {
    const live = new LiveBlocks(ORIGIN, 2 ** 30);
    for (const each of blocks) live.set(each);
    expect(handles.map((handle) => live.get(handle))).toEqual(blocks);
    expect(live.size).toBe(5);
    live.delete(blocks[1]!);
    live.delete(blocks[0]!);
    expect(handles.map((handle) => live.get(handle)?.serial)).toEqual([undefined, undefined, 3, 4, 5]);
    expect(live.size).toBe(3);
  });

  it('are listed in the order of their addresses', () => {
    const live = new LiveBlocks(ORIGIN, 2 ** 30);
    for (const each of blocks.slice(0, 3)) live.set(each);
    const listed = live.withSerials(new Set([1, 2, 3]));
    expect(listed.map(({ serial }) => serial)).toEqual([1, 3, 2]);
  });
});
