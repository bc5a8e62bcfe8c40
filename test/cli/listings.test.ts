/** What heaplab says about itself: targets, heaps, version, help, and what it does not know. */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { catalog } from '../../src/heaps/catalog.js';
import type { Target } from '../../src/targets/target.js';
import { heaplab, refusal, Scratch, TARGETS, usageError } from './run.js';

const scratch = new Scratch();
const TARGET_NAMES = readdirSync(TARGETS)
  .map((file) => file.replace('.yaml', ''))
  .sort();
const HEAP_NAMES = catalog.map((heap) => heap.name);
const COMMANDS = ['run', 'inspect', 'replay', 'targets', 'heaps', 'check'];

async function printed(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await heaplab(args);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return stdout;
}

describe.concurrent('targets', () => {
  it('lists all', async () => {
    const [head, ...lines] = (await printed('targets')).trimEnd().split('\n');
    expect(head).toMatch(/^target +core +RAM/);
    expect(lines.map((line) => line.split(' ')[0])).toEqual(TARGET_NAMES);
  });

  it('prints all of them as JSON, and one as it is in the list', async () => {
    const [all, one] = await Promise.all([
      printed('targets', '--json'),
      printed('targets', 'rp2040', '--json'),
    ]);
    const targets = JSON.parse(all) as Target[];
    expect(targets.map(({ id }) => id)).toEqual(TARGET_NAMES);
    expect(JSON.parse(one)).toEqual(targets.find(({ id }) => id === 'rp2040'));
  });

  it('shows one by name or path', async () => {
    const path = join(TARGETS, 'stm32h743zi.yaml');
    const [named, found] = await Promise.all([printed('targets', 'stm32h743zi'), printed('targets', path)]);
    const withoutPath = (text: string) => text.replace(/profile +.*/, '');
    expect(withoutPath(named)).toBe(withoutPath(found));
    for (const fact of ['cortex-m7 at 480 MHz', '0x24000000, 512 KiB', '4 KiB, not for the heap', '8 bytes'])
      expect(named).toContain(fact);
  });

  it('shows one of the user', async () => {
    const file = scratch.write('mine.yml', 'extends: rp2040\nname: Mine\nheap size: 12 KiB\n');
    const text = await printed('targets', file);
    expect(text).toMatch(/^Mine /);
    expect(text).toMatch(/heap +12 KiB/);
  });

  it.each([
    ['rp2400', 'rp2040'],
    ['toaster', undefined],
  ])('does not know %j', async (name, nearest) => {
    const [problem, ...others] = await refusal(['targets', name]);
    expect(others).toEqual([]);
    expect(problem).toMatchObject({ code: 'unknown-name', nearest });
    expect(problem!.message).toContain(`"${name}"`);
  });

  it('names those that begin like what it does not know', async () => {
    const { code, stderr } = await heaplab(['targets', 'stm32']);
    const known = TARGET_NAMES.filter((name) => name.startsWith('stm32'));
    expect(known.length).toBeGreaterThan(3);
    expect(code).toBe(2);
    expect(stderr.replaceAll(/\s+/g, ' ')).toContain(`one of ${known.join(', ')} `);
    const [one] = await refusal(['targets', 'esp']);
    expect(one).toMatchObject({ expected: expect.stringContaining('esp32-c3'), nearest: 'esp32-c3' });
  });

  it('reports a profile with mistakes', async () => {
    const file = scratch.write('bad.yaml', 'extends: rp2040\nclock: fast\ntick: often\n');
    const problems = await refusal(['targets', file]);
    expect(problems.map(({ place }) => place)).toEqual([`${file}:2:8`, `${file}:3:7`]);
  });
});

describe.concurrent('heaps', () => {
  it('lists all', async () => {
    const [head, ...lines] = (await printed('heaps')).trimEnd().split('\n');
    expect(head).toMatch(/^heap +policy$/);
    // Policies go on in the next line.
    const first = lines.filter((line) => !line.startsWith(' '));
    expect(first.map((line) => line.split(' ')[0])).toEqual(HEAP_NAMES);
  });

  it('prints all of them as JSON, and one as it is in the list', async () => {
    const [all, one] = await Promise.all([printed('heaps', '--json'), printed('heaps', 'heap_4', '--json')]);
    const heaps = JSON.parse(all) as { name: string }[];
    expect(heaps.map(({ name }) => name)).toEqual(HEAP_NAMES);
    expect(JSON.parse(one)).toEqual(heaps.find(({ name }) => name === 'heap_4'));
  });

  it('shows one with its options', async () => {
    const text = await printed('heaps', 'heap_4');
    expect(text.startsWith('heap_4\n')).toBe(true);
    expect(text).toMatch(/^ {2}origin +\S/m);
    for (const option of ['asserts', 'clearOnFree', 'protector'])
      expect(text).toMatch(new RegExp(`^ {2}option ${option} +\\S`, 'm'));
  });

  it('measures what its bookkeeping takes, for an alignment', async () => {
    const [at8, at16] = await Promise.all([
      printed('heaps', 'heap_4'),
      printed('heaps', 'heap_4', '--alignment', '16'),
    ]);
    const flat = (text: string) => text.replaceAll(/\s+/g, ' ');
    expect(flat(at8)).toContain(
      'asked for → taken: 1 → 16, 13 → 24, 24 → 32, 100 → 112, 1,000 → 1,008 bytes at alignment 8',
    );
    expect(flat(at16)).toContain('1 → 32, 13 → 32, 24 → 48, 100 → 128');
    expect(flat(at16)).toContain('payloads at multiples of 16 bytes');
    expect(flat(at8)).toContain('28 bytes of statics');
    expect(flat(at8)).toContain('of 16,384 bytes 16,376 bytes are free when it is empty');
    expect(flat(at8)).toContain('125.4 KiB are enough');
    expect(flat(at8)).toContain('with 10, 100, 1,000, 10,000, 100,000 live blocks');
    expect(flat(at8)).toMatch(/ malloc [\d., ]+ \(linear\); worst call [\d., ]+ \(linear\) /);
  });

  it('takes alignment and arena from a target', async () => {
    const mine = scratch.write('wide.yaml', 'extends: stm32f103c8\nalignment: 16\nheap size: 8 KiB\n');
    const heap = JSON.parse(await printed('heaps', 'heap_4', '--target', mine, '--json'));
    expect(heap).toMatchObject({ alignment: 16, onTarget: { bytes: 8192 } });
    const small = await printed('heaps', 'tlsf', '--target', 'ch32v003');
    expect(small).toMatch(/^ {2}target +CH32V003 has no room for a heap/m);
    const [unknown] = await refusal(['heaps', 'tlsf', '--target', 'rp2400']);
    expect(unknown).toMatchObject({ code: 'unknown-name', nearest: 'rp2040' });
  });

  it('says why there is no curve', async () => {
    expect(await printed('heaps', 'heap_1')).toMatch(/^ {2}measured +nothing: it never frees/m);
  });

  it('writes docs/heaps.md, or a section of it', async () => {
    const [all, one] = await Promise.all([
      printed('heaps', '--markdown'),
      printed('heaps', 'tlsf', '--markdown'),
    ]);
    const page = readFileSync(join(TARGETS, '../docs/heaps.md'), 'utf8');
    expect(page.replace(/<!--.*-->\n\n/, '')).toBe(all);
    expect(all).toContain(one.trimEnd());
    const sections = [...all.matchAll(/^## (\w+)$/gm)].map(([, name]) => name);
    expect(sections).toEqual([...HEAP_NAMES, 'Bounds', 'Overview']);
    const overview = all.slice(all.indexOf('## Overview'));
    for (const name of HEAP_NAMES) expect(overview).toContain(`| [${name}](#${name}) |`);
  });

  it('writes Markdown or JSON, not both', async () => {
    expect(await usageError(['heaps', '--json', '--markdown'])).toContain("'--markdown' cannot be used with");
  });

  it('refuses what it does not know', async () => {
    const [name] = await refusal(['heaps', 'heapp_2']);
    expect(name).toMatchObject({ code: 'unknown-name', nearest: 'heap_2' });
    for (const known of HEAP_NAMES) expect(name!.expected).toContain(known);
    const [alignment] = await refusal(['heaps', 'heap_4', '--alignment', '2']);
    expect(alignment).toMatchObject({ code: 'bad-option', expected: '4, 8, 16 or 32' });
  });
});

describe.concurrent('help', () => {
  it('prints the version of the package', async () => {
    const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
    expect(await printed('--version')).toBe(`${version}\n`);
  });

  it('names every command', async () => {
    const help = await printed('--help');
    for (const command of COMMANDS) expect(help).toMatch(new RegExp(`^  ${command} `, 'm'));
  });

  it.each(COMMANDS)('of %s says how it is used', async (command) => {
    const help = await printed(command, '--help');
    expect(help).toMatch(new RegExp(`^Usage: heaplab ${command} `));
    expect(help).toContain('-h, --help');
  });

  it('is a command as well', async () => {
    expect(await printed('help', 'replay')).toMatch(/^Usage: heaplab replay /);
  });

  it('comes before anything is wrong', async () => {
    expect(await printed('run', 'missing.yaml', '--help')).toMatch(/^Usage: heaplab run /);
  });

  it('is what one gets without a command', async () => {
    const { code, stdout, stderr } = await heaplab([]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/^Usage: heaplab /);
  });
});

describe.concurrent('what is no command or flag', () => {
  it.each([
    [['rnu'], 'Did you mean run?'],
    [['help', 'rnu'], 'Did you mean run?'],
    [['help', 'nope'], "unknown command 'nope'\nThe commands are run, inspect"],
    [['frobnicate'], "unknown command 'frobnicate'"],
    [['targets', '--jsno'], 'Did you mean --json?'],
    [['heaps', 'heap_4', 'heap_2'], 'too many arguments'],
    [['check'], "missing required argument 'file'"],
  ])('%j', async (args, named) => {
    expect(await usageError(args)).toContain(named);
  });
});
