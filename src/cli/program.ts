/** The commands and their options. What a command does is loaded when it is called, so that help is quick. */

import { readFileSync } from 'node:fs';
import { Command, Option } from 'commander';
import { packageFile } from '../input/package-file.js';
import { DEFAULT_SCAN } from '../studies/smallest.js';
import type { Terminal } from './terminal.js';

/** As in simulation/cost.ts, which help should not wait for. */
const COSTS = ['auto', 'gcc12-Os', 'gcc12-O2', 'estimate', 'none'];
/** Columns that explanations take at least: commander would rather leave the terminal's below 40. */
const MINIMUM_WRAPPED = 20;
/** So that they have that beside the flags. */
const MINIMUM_HELP_WIDTH = 60;

type Action = (...values: never[]) => number | Promise<number>;

/** `setExitCode` is called once, with the command's exit code. */
export function createProgram(terminal: Terminal, setExitCode: (code: number) => void): Command {
  const helpWidth = Math.max(MINIMUM_HELP_WIDTH, terminal.width);
  const program = new Command('heaplab')
    .description('Runs firmware scenarios on real heap designs and explains why memory ran out.')
    .version(packageVersion(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .option('--no-color', 'no colours (also: NO_COLOR in the environment, or a pipe)')
    .configureOutput({
      writeOut: terminal.print,
      writeErr: terminal.warn,
      getOutHelpWidth: () => helpWidth,
      getErrHelpWidth: () => helpWidth,
    })
    .showHelpAfterError('(see --help)')
    .helpCommand(false)
    .configureHelp({ minWidthToWrap: MINIMUM_WRAPPED })
    .exitOverride();

  const runs = (load: () => Promise<Action>) => {
    return async (...values: unknown[]) => {
      await assertChoices(values.at(-1) as Command);
      const action = await load();
      setExitCode(await action(terminal as never, ...(values as never[])));
    };
  };

  addDeviceOptions(
    program
      .command('run')
      .description('run scenarios and say what became of memory')
      .argument('<scenario...>', 'scenario files')
      .option('--target <name|file>', "a chip's profile instead of the scenario's")
      .option('--ram <size>', 'RAM of the first region, such as 24KiB')
      .option('--reserve <size>', "RAM for the firmware's static data, such as 4KiB")
      .option('--duration <length>', "instead of the scenario's: a time, ticks or operations, such as '10 s'")
      .option('--seed <number>', "seed instead of the scenario's")
      .addOption(choice('--cost <model>', 'what a heap call costs', COSTS).default('auto'))
      .option('--out <file>', 'write the result as JSON, for "heaplab inspect"')
      .option('--json', 'print the result as JSON instead of text')
      .option('--schedule', 'print the schedule, an event a line')
      .option('--inspect', 'show the first out-of-memory event as "heaplab inspect" does')
      .option('--check', "check the heap's invariants after every call (slow)")
      .option(
        '--keep-events <number>',
        'out-of-memory events to keep in full, as long as their maps have at most 500000 pieces',
        '100',
      )
      .option('--verbose', 'print events as they happen'),
  ).action(runs(async () => (await import('./run.js')).runCommand));

  program
    .command('inspect')
    .description('explain an out-of-memory event of a result')
    .argument('<result.json>', 'written by "heaplab run --out"')
    .option('--oom <number>', 'which event, from 1', '1')
    .option('--blocks', 'list every block and hole')
    .option('--no-rescue', 'do not try what would have saved the request')
    .option('--json', 'print the event, its analysis and what was tried as JSON')
    .action(runs(async () => (await import('./inspect.js')).inspectCommand));

  addDeviceOptions(
    program
      .command('replay')
      .description('replay a recorded trace of heap operations on a heap')
      .argument('<trace>', 'trace file, plain or gzipped')
      .option('--region <address:size>', 'a region of RAM, repeated for several', collect)
      .option('--ops', 'a line per operation: index, payload offset or -1, free bytes')
      .addOption(
        choice('--cost <build>', 'count instructions, as a last column with --ops', ['gcc12-Os', 'gcc12-O2']),
      )
      .option('--op-time <time>', "by how much an operation advances the heap's clock, such as 1ms")
      .option('--tick <frequency>', 'ticks of that clock, 1 kHz if absent')
      .option('--json', 'print the summary as JSON'),
  ).action(runs(async () => (await import('./replay.js')).replayCommand));

  program
    .command('size')
    .description('find the smallest arena without a failed request, for every heap')
    .argument('<file>', 'a trace, plain or gzipped, or a scenario')
    .option('--heaps <names>', 'only these, separated by commas')
    .option('--heap-option <name=value>', 'for the heaps that have it, repeated for several', collect, [])
    .option('--target <name|file>', "a chip's profile instead of the scenario's")
    .option('--alignment <bytes>', 'portBYTE_ALIGNMENT: 4, 8, 16 or 32')
    .option('--seed <number>', "seed instead of the scenario's")
    .addOption(choice('--cost <model>', 'what a heap call of a scenario costs', COSTS).default('auto'))
    .option('--locks', 'hold locks where the accesses of the trace are dense (see docs/relocation.md)')
    .option('--scan <number>', 'sizes to try on either side of what bisection finds', `${DEFAULT_SCAN}`)
    .option('--at <size>', 'replay the trace in an arena of this size instead')
    .option('--points <number>', 'with --at: how often to look for the largest request possible', '10')
    .option('--json', 'print JSON')
    .action(runs(async () => (await import('./size.js')).sizeCommand));

  program
    .command('compare')
    .description('run the same workloads on every heap, rank the heaps, and say who notices an overflow')
    .argument('<file...>', 'scenarios and traces')
    .option('--heaps <names>', 'only these, separated by commas')
    .option('--heap-option <name=value>', 'for the heaps that have it, repeated for several', collect, [])
    .option('--targets <names|files>', "chips instead of the scenario's, separated by commas")
    .option('--heap-size <size>', 'bytes for the heap, such as 16KiB')
    .option('--alignment <bytes>', 'portBYTE_ALIGNMENT: 4, 8, 16 or 32')
    .option('--seed <number>', "seed instead of the scenario's")
    .addOption(choice('--cost <model>', 'what a heap call costs', COSTS).default('auto'))
    .option('--no-size', 'do not look for the smallest arena (quicker)')
    .option('--scan <number>', 'sizes to try below what bisection finds', `${DEFAULT_SCAN}`)
    .option('--json', 'print JSON')
    .option('--markdown', 'print Markdown')
    .action(runs(async () => (await import('./compare.js')).compareCommand));

  program
    .command('targets')
    .description('list the chips, or show one')
    .argument('[name]', 'a chip or the path of a profile')
    .option('--json', 'print JSON')
    .action(runs(async () => (await import('./targets.js')).targetsCommand));

  program
    .command('heaps')
    .description('list the heaps, or show one')
    .argument('[name]', 'a heap')
    .option('--alignment <bytes>', "for the overheads shown: 4, 8, 16 or 32 (8, or the target's)")
    .option('--target <name|file>', 'show what an empty heap has on this chip')
    .addOption(new Option('--markdown', 'print Markdown, of all heaps as in docs/heaps.md').conflicts('json'))
    .option('--json', 'print JSON')
    .action(runs(async () => (await import('./heaps.js')).heapsCommand));

  program
    .command('check')
    .description('check scenario and target files without running them')
    .argument('<file...>', 'scenarios and profiles')
    .action(runs(async () => (await import('./check.js')).checkCommand));

  program
    .command('help')
    .description('print the help of a command')
    .argument('[command]', 'a command')
    .action((name?: string) => printHelp(program, name));

  return program;
}

/** An option with a closed list of values, which help shows; commander's own check knows no nearest word. */
function choice(flags: string, description: string, values: readonly string[]): Option {
  const option = new Option(flags, description);
  option.argChoices = [...values];
  return option;
}

/** @throws UserError */
async function assertChoices(command: Command): Promise<void> {
  for (const option of command.options) {
    const value = command.getOptionValue(option.attributeName()) as string | undefined;
    if (value === undefined || option.argChoices?.includes(value) !== false) continue;
    const [{ badOption }, { nearest }] = await Promise.all([
      import('./flags.js'),
      import('../input/nearest.js'),
    ]);
    const { long, argChoices } = option;
    throw badOption(
      `${long} ${value} is not possible`,
      `one of ${argChoices.join(', ')}`,
      nearest(value, argChoices),
    );
  }
}

/** Of the program where no command is named. */
async function printHelp(program: Command, name: string | undefined): Promise<void> {
  const names = program.commands.map((command) => command.name());
  if (name === undefined) program.help();
  const command = program.commands.find((candidate) => candidate.name() === name);
  if (command !== undefined) command.help();
  const { nearest } = await import('../input/nearest.js');
  const guess = nearest(name, names);
  const hint = guess === undefined ? `The commands are ${names.join(', ')}.` : `(Did you mean ${guess}?)`;
  program.error(`error: unknown command '${name}'\n${hint}`, { code: 'commander.unknownCommand' });
}

/** Options that say which heap on which memory. */
function addDeviceOptions(command: Command): Command {
  return command
    .option('--heap <name>', 'heap (see "heaplab heaps")')
    .option('--heap-option <name=value>', "an option of the heap's own, repeated for several", collect)
    .option('--heap-size <size>', 'bytes for the heap, such as 16KiB')
    .option('--alignment <bytes>', 'portBYTE_ALIGNMENT: 4, 8, 16 or 32');
}

/** Without a default, which help would show as "[]". */
function collect(value: string, previous: string[] = []): string[] {
  return [...previous, value];
}

function packageVersion(): string {
  return (JSON.parse(readFileSync(packageFile('package.json'), 'utf8')) as { version: string }).version;
}
