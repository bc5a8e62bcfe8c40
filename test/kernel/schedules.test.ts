import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { KERNEL_VECTORS, readLog, readWorkload, runWorkload } from './workload.js';

const names = readdirSync(KERNEL_VECTORS)
  .filter((file) => file.endsWith('.json'))
  .map((file) => file.replace('.json', ''))
  .sort();

describe('schedules as the real FreeRTOS kernel made them', () => {
  it('has the vectors', () => expect(names.length).toBeGreaterThanOrEqual(112));

  it.each(names)('%s', (name) => {
    expect(runWorkload(readWorkload(name))).toEqual(readLog(name));
  });
});
