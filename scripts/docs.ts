/**
 * Writes docs/scenarios.md and docs/targets.md: prose from here, every key, step and distribution from the JSON
 * Schemas; docs/heaps.md from the catalog and the measured curves; docs/proofs.md from the proofs and what
 * refuted their twins. `--check` writes nothing and exits with 1 if the files are not up to date.
 */

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import { chapters } from '../proofs/catalog.js';
import { proofsPage } from '../proofs/page.js';
import { RECORD_FILE, readRecord } from '../proofs/record.js';
import { heapsDocument } from '../src/cli/heaps.js';
import { catalog } from '../src/heaps/catalog.js';
import { stepWords } from '../src/scenario/schema/steps.js';
import { CURVE_FILE, readCurves } from '../src/studies/curve-file.js';
import { loadTarget, targetNames } from '../src/targets/load.js';
import { schemaFiles } from './schemas.js';
import { givenArguments, runTool } from './tool.js';

interface Schema {
  readonly $ref?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly examples?: readonly unknown[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly anyOf?: readonly Schema[];
  readonly items?: Schema;
  readonly additionalProperties?: Schema | boolean;
  readonly enum?: readonly unknown[];
  readonly $defs?: Readonly<Record<string, Schema>>;
}

const FOLDER = fileURLToPath(new URL('../docs/', import.meta.url));

/** The text of each generated page by its name in docs/. */
export function docFiles(): Record<string, string> {
  const files = schemaFiles();
  return {
    'scenarios.md': scenarioPage(JSON.parse(files['scenario.schema.json']!) as Schema),
    'targets.md': targetPage(JSON.parse(files['target.schema.json']!) as Schema),
    'heaps.md': heapsDocument(HEAPS_GENERATED),
    'proofs.md': proofsPage(chapters, readRecord(), PROOFS_GENERATED),
  };
}

function scenarioPage(schema: Schema): string {
  const { properties = {}, required = [], $defs = {} } = schema;
  const named = (name: string) => properties[name]!.additionalProperties as Schema;
  return page([
    '# Scenarios',
    GENERATED,
    SCENARIO_INTRODUCTION,
    '## Keys of a scenario',
    keyTable(properties, required),
    '### A queue',
    objectTable(named('queues')),
    '### An interrupt',
    objectTable(named('interrupts')),
    INTERRUPT_NOTES,
    '### A task',
    objectTable(named('tasks')),
    '### What is expected',
    objectTable(properties.expect!),
    EXPECT_NOTES,
    '## Steps',
    STEP_NOTES,
    ...stepSections($defs.step!),
    '## Blocks that move',
    MOVING_NOTES,
    ...variants($defs['on-fullness']!).map(
      ([name, body]) => `- \`${name}\`: ${body.description ?? ''}${fieldList(body)}`,
    ),
    '## Sizes, times, distributions',
    QUANTITY_NOTES,
    ...distributionSections($defs['size-or-distribution']!),
    '## When memory runs out',
    OOM_NOTES,
    ...variants($defs['on-oom']!).map(
      ([name, body]) => `- \`${name}\`: ${body.description ?? ''}${fieldList(body)}`,
    ),
    KERNEL_OOM_NOTES,
  ]);
}

function targetPage(schema: Schema): string {
  const [whole] = schema.anyOf ?? [schema];
  const { properties = {}, required = [] } = whole!;
  return page([
    '# Targets',
    GENERATED,
    TARGET_INTRODUCTION,
    '## Keys of a profile',
    keyTable(properties, required),
    '### A region',
    objectTable(properties.regions!.items!),
    '### The kernel',
    objectTable(properties.kernel!),
    TARGET_NOTES,
    '## The chips that come with heaplab',
    '| name | core | clock | RAM | alignment |\n| --- | --- | --- | --- | --- |',
    targetNames().map(targetRow).join('\n'),
  ]).replace('| --- | --- | --- | --- | --- |\n\n', '| --- | --- | --- | --- | --- |\n');
}

function targetRow(name: string): string {
  const { core, clockHertz, regions, alignment } = loadTarget(name);
  const ram = regions.map((region) => `${region.bytes / 1024} KiB`).join(' + ');
  return `| \`${name}\` | ${core} | ${clockHertz / 1e6} MHz | ${ram} | ${alignment} |`;
}

function page(parts: readonly string[]): string {
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}

function objectTable({ properties = {}, required = [] }: Schema): string {
  return keyTable(properties, required);
}

function keyTable(properties: Readonly<Record<string, Schema>>, required: readonly string[]): string {
  const rows = Object.entries(properties).map(([name, schema]) => {
    const need = required.includes(name) ? 'required' : defaultText(schema);
    return `| \`${name}\` | ${schema.description ?? ''} | ${need} |`;
  });
  return ['| key | what | if absent |', '| --- | --- | --- |', ...rows].join('\n');
}

function defaultText({ default: value }: Schema): string {
  if (value === undefined) return '';
  const empty = value === '' || (typeof value === 'object' && Object.keys(value as object).length === 0);
  return empty ? 'none' : `\`${String(value)}\``;
}

function stepSections(step: Schema): string[] {
  const words = Object.entries(stepWords).map(([name, help]) => stepSection(name, help, name, ''));
  const maps = (step.anyOf ?? [])
    .filter(({ properties }) => properties !== undefined)
    .map((schema) => {
      const [name, argument] = Object.entries(schema.properties!)[0]!;
      const example = stringify(schema.examples?.[0]).trimEnd();
      const fields = argument.properties ?? schema.properties!;
      const table =
        argument.properties === undefined && Object.keys(fields).length === 1
          ? ''
          : objectTable({ ...argument, properties: fields });
      return stepSection(name, schema.description ?? '', example, table);
    });
  return [...maps, ...words];
}

function stepSection(name: string, help: string, example: string, table: string): string {
  const [first, ...rest] = example.split('\n');
  const indented = [`- ${first}`, ...rest.map((line) => `  ${line}`)].join('\n');
  return [`### \`${name}\``, `${help}.`, `\`\`\`yaml\n${indented}\n\`\`\``, table]
    .filter(Boolean)
    .join('\n\n');
}

/** The alternatives of a schema that are maps with one key. */
function variants(schema: Schema): [string, Schema][] {
  return (schema.anyOf ?? []).flatMap(({ properties }) => Object.entries(properties ?? {}));
}

function distributionSections(schema: Schema): string[] {
  return variants(schema).map(([name, body]) => {
    const fields = body.properties === undefined ? objectTable(body.items ?? {}) : objectTable(body);
    return `### \`${name}\`\n\n${body.description ?? 'A list of values with weights'}.\n\n${fields}`;
  });
}

function fieldList({ properties }: Schema): string {
  if (properties === undefined) return '';
  const fields = Object.entries(properties).map(([name, field]) => `\`${name}\`: ${field.description ?? ''}`);
  return ` (${fields.join('; ')})`;
}

const GENERATED =
  '<!-- Written by `npm run docs` from the schemas of the loaders; change those, or scripts/docs.ts. -->';

const HEAPS_GENERATED =
  '<!-- Written by `npm run docs` from the catalog and docs/data/cost-curves.json (`npm run curves`). -->';

const PROOFS_GENERATED = `<!-- Written by \`npm run docs\` from proofs/ and ${RECORD_FILE} (\`npm run prove -- --record\`). -->`;

const SCENARIO_INTRODUCTION = `A scenario is one YAML file: a chip, a heap, and tasks with what they do. \`heaplab run FILE\` runs it,
\`heaplab check FILE\` finds every mistake without running it. With the first line

\`\`\`yaml
# yaml-language-server: $schema=../schemas/scenario.schema.json
\`\`\`

an editor completes and checks it too. The files in \`scenarios/\` each teach something; start from one of them.`;

const INTERRUPT_NOTES = `An interrupt fires by the clock, whatever runs. Its script may send and receive without waiting, log and compute; heap
calls in it are an error of the firmware and end the run with a fault, as they would break a real heap. Where
\`heaplab heaps NAME\` says that interrupts may free, it may do that, with what it has received, or with one of the \`globals\`,
under which a task has left it.`;

const EXPECT_NOTES = `Counts are \`none\`, \`at least 1\`, \`at most 3\` or \`exactly 2\`. The exit code is 1 if anything does not hold.
A run ends \`finished\` when its time is up, \`halted\` by \`on oom: halt\`, with a \`fault\`, or \`corrupted\` where a check finds the
heap's structure broken (\`--check\` looks after every call). A scenario that shows a fault says \`outcome: fault\` and passes with
it. A reset does not end the run: \`resets\` counts them.
Fragmentation is 1 - largest hole / free bytes, at its worst among the samples of the trend and the failed requests.`;

const STEP_NOTES = `A script is a list of steps. A name stands for all blocks that a task holds under it, newest last: \`alloc\` adds
one, \`free: frame\` gives the newest back (\`which: all\` every one). A step on a name that holds nothing does nothing, as
with a NULL pointer. A block that is sent through a queue belongs to whoever receives it; if the queue stays full, it
stays with the sender. Only \`compute\`, the waiting steps and heap calls take time.`;

const QUANTITY_NOTES = `Sizes are \`24 B\`, \`2 KiB\`, \`1 MiB\` or a bare number of bytes. Times are \`10 ms\`, \`200 us\`, \`2 s\`, \`1 min\`, and
\`3 ticks\` or \`500 cycles\` of the target. What waits, waits in ticks, rounded down as \`pdMS_TO_TICKS\` does; a constant
that is not 0 and comes to no tick at all is refused, as the task would not wait. Sizes, times and counts may be drawn: from
the run's seed, in a stream of its own for each task and interrupt, so that a new task does not change what others draw. A draw outside \`min\` and \`max\` is made again.`;

const MOVING_NOTES = `On a heap that moves blocks, such as \`rmalloc\`, a block has an address only while it is locked. Locks
are counted: a block that was locked twice is unlocked twice. \`fill\`, \`verify\` and \`overflow\` lock their block for the
step; the kernel's own objects are locked for good. On every other heap \`lock\`, \`unlock\` and \`compact\` do nothing and
take no time, so that one scenario compares them.

The heap compacts when a request finds no room (unless told otherwise), and when it is told to: by \`compact\`, fully or
with a budget of bytes or of time, in a task or in the idle hook. As it fills up it asks the firmware: at its option
\`lower\` (70 % of the arena in use) \`on fullness\` says \`defer\` or \`compact\`, and at \`higher\` (90 %) it compacts unless
that has happened since. Or \`on fullness\` is`;

const OOM_NOTES = `\`on oom\` says what the firmware does when a request returns NULL, for the scenario or for one step: \`continue\`,
\`halt\`, \`reset\` (the chip starts again a millisecond later, time goes on), or one of these. A request for 0 bytes returns
NULL in FreeRTOS; it is counted apart, and only a hook runs for it. A \`calloc\` whose product overflows 32 bits is
refused before the heap is asked: it is a failed request like others, but no hook runs. On \`mempool\` with the option \`atExhaustion: hook\` the
scenario's hook runs within the request first, where it cannot wait, and the request is tried once more.`;

const KERNEL_OOM_NOTES = `The kernel asks for task stacks, control blocks and queues with the same \`pvPortMalloc\`. Where one of them finds no room,
the scenario's \`on oom\` applies too: \`halt\` and \`reset\` act, and a hook runs, as \`vApplicationMallocFailedHook\` does, inside
the call; then \`xTaskCreate\` fails, the firmware goes on without the task or queue, and the run's summary names it. \`retry\`
makes \`start task\` try again. What main() creates before the scheduler runs is not tried again, and a hook cannot wait there,
nor deal with tasks and queues, except by \`start task\`: that is a fault.`;

const TARGET_INTRODUCTION = `A target is a chip's profile: its RAM, clock and kernel. \`heaplab targets\` lists those that come with heaplab,
\`heaplab targets NAME\` shows one. A profile of your own is a path wherever a name may stand, and may begin with
\`extends: stm32f103c8\` to change only what differs (maps are merged, the list of regions is replaced).

    heaplab run scenario.yaml --target boards/mine.yaml --reserve 4KiB`;

const TARGET_NOTES = `The first region holds, from its origin up: static data, the heap's own variables, the heap, and at its end the
main stack. A heap that manages several regions gets the others that allow it as well. From the command line \`--ram\` sets the
first region's size, \`--heap-size\` the heap's, \`--reserve\` the static data, \`--alignment\` the alignment.

On every core an access outside these regions is a fault, and so is a word at an address that is no multiple of 4. A
Cortex-M3, M4 or M7 would carry out the latter; here all are as strict as a Cortex-M0, because only a heap whose pointers
are broken makes such an access. Steps such as \`fill\` and \`overflow\` write bytes and may begin anywhere.

What a heap call costs goes by the core: on a Cortex-M the tables in \`costs/\` apply, measured on a Cortex-M3 build of
the C code (gcc 12.2 -Os; \`--cost gcc12-O2\` for the other; asserts off). There are some for heap_2, heap_4, tlsf and
o1heap. Instructions are exact for that build; cycles follow from Arm's instruction timings at zero wait states and are
an estimate. Resuming the scheduler was measured with heap_4 and costs as much with the others. Where a call does what
was never measured, such as resizing a block where it stands, the nearest that was stands in, and results say how often.
Heaps, options and cores that were not measured are marked as estimates; without a table they are estimated from memory
accesses.`;

function writeDocs(): void {
  const check = givenArguments({ check: 'on' }).flags.has('check');
  if (!check) mkdirSync(FOLDER, { recursive: true });
  for (const [name, text] of Object.entries(docFiles())) {
    const file = `${FOLDER}${name}`;
    if (!check) writeFileSync(file, text);
    else if (!existsSync(file) || readFileSync(file, 'utf8') !== text) {
      complain(`docs/${name} is not up to date: run npm run docs`);
    }
  }
  complainOfCurves();
  complainOfProofs();
}

function complainOfCurves(): void {
  const curves = readCurves();
  const unmeasured = catalog.map(({ name }) => name).filter((name) => curves[name] === undefined);
  if (unmeasured.length === 0) return;
  const names = unmeasured.join(' ');
  complain(`${CURVE_FILE} lacks curves: run npm run curves ${names}, then npm run docs`);
}

function complainOfProofs(): void {
  const record = readRecord();
  const unproved = chapters
    .flatMap(({ proofs }) => proofs)
    .filter(({ name, twins }) => record.get(name)?.length !== twins.length)
    .map(({ name }) => name);
  if (unproved.length === 0) return;
  complain(
    `${RECORD_FILE} does not know what refutes the twins of ${unproved.join(', ')}: ` +
      `run npm run prove -- --record ${unproved.join(' ')}, then npm run docs`,
  );
}

function complain(message: string): void {
  console.error(message);
  process.exitCode = 1;
}

await runTool(writeDocs);
