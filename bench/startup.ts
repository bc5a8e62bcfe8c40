/** Whole-process time of short commands, as a ratio to Node doing nothing. */

import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url));
const SECOND = fileURLToPath(new URL('./second.yaml', import.meta.url));
const RUNS = 11;

export interface StartupFigure {
  readonly command: string;
  readonly milliseconds: number;
  /** To `node -e 0` in the same rounds. */
  readonly ratio: number;
}

/** Medians over rounds in which all commands take turns. */
export function measureStartup(): StartupFigure[] {
  const commands: [string, string[]][] = [
    ['node -e 0', ['-e', '0']],
    ['heaplab --help', [MAIN, '--help']],
    ['heaplab run, 1 s simulated', [MAIN, 'run', SECOND]],
  ];
  const times = commands.map((): number[] => []);
  for (let run = 0; run < RUNS; run++) {
    commands.forEach(([, args], index) => {
      const start = process.hrtime.bigint();
      execFileSync(process.execPath, args, { stdio: 'ignore' });
      times[index]!.push(Number(process.hrtime.bigint() - start) / 1e6);
    });
  }
  const medians = times.map(median);
  return commands.map(([command], index) => ({
    command,
    milliseconds: medians[index]!,
    ratio: medians[index]! / medians[0]!,
  }));
}

function median(values: number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;
}
