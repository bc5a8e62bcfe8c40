/** docs/typescript-scenarios.md says what is so. */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { loadScenario } from '../../src/scenario/load.js';
import { ScriptTask } from '../../src/scenario/script-task.js';
import { ran } from './running.js';

const guide = readFileSync(new URL('../../docs/typescript-scenarios.md', import.meta.url), 'utf8');
const [, example] = /```ts\n(.*?)```/s.exec(guide)!;

const folder = mkdtempSync(join(tmpdir(), 'heaplab-guide-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe('the guide to scenarios in TypeScript', () => {
  it('has an example that works', () => {
    const path = join(folder, 'gateway.ts');
    writeFileSync(path, example!);
    const { schedule, result } = ran(loadScenario(path, { heapNames: ['heap_4'] }), { cost: 'auto' });
    expect(result).toMatchObject({ passed: true, outcome: 'finished' });
    expect(result.allocations).toBeGreaterThan(300);
    expect(schedule).toContainEqual(expect.stringMatching(/mark display 8 samples at tick \d+$/));
  });

  it('lists every call', () => {
    const own = ['constructor', 'run', 'boot', 'at'];
    const calls = Object.getOwnPropertyNames(ScriptTask.prototype).filter((name) => !own.includes(name));
    const missing = calls.filter((name) => !/[(`]/.test(guide.split(`\`task.${name}`)[1]?.[0] ?? ''));
    expect(missing).toEqual([]);
  });
});
