#!/usr/bin/env node
/** The only place that reads the arguments, the environment and the terminal, and sets the exit code. */

import { Chalk } from 'chalk';
import { UserError } from '../input/problem.js';
import { fileErrorReason } from '../input/read-text.js';
import { MINIMUM_WIDTH } from '../report/paint.js';
import { allowInlining, keepCompiledModules } from './engine.js';
import { createProgram } from './program.js';
import { INTERNAL, type Terminal, USAGE } from './terminal.js';

const DEFAULT_WIDTH = 80;

function processTerminal(): Terminal {
  const columns = process.stdout.columns ?? (Number(process.env.COLUMNS) || DEFAULT_WIDTH);
  const plain = (process.env.NO_COLOR ?? '') !== '' || process.argv.includes('--no-color');
  return {
    width: Math.max(MINIMUM_WIDTH, columns),
    color: new Chalk(plain ? { level: 0 } : {}),
    print: (text) => process.stdout.write(text),
    warn: (text) => process.stderr.write(text),
    interactive: process.stderr.isTTY === true && process.env.CI === undefined,
  };
}

async function main(): Promise<void> {
  allowInlining();
  keepCompiledModules();
  const terminal = processTerminal();
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    // `heaplab … | head` closes the pipe early; that is no error.
    if (error.code === 'EPIPE') process.exit();
    terminal.warn(`cannot write to standard output: ${fileErrorReason(error, 'written')}\n`);
    process.exit(USAGE);
  });
  // Nobody reads what went wrong: the exit code still says that something did.
  process.stderr.on('error', () => {});
  const program = createProgram(terminal, (code) => {
    process.exitCode = code;
  });
  try {
    await program.parseAsync(process.argv);
  } catch (error) {
    process.exitCode = await exitCodeOf(error, terminal);
  }
}

async function exitCodeOf(error: unknown, terminal: Terminal): Promise<number> {
  if (error instanceof UserError) {
    const { problemReport } = await import('../report/problems.js');
    terminal.warn(`${await problemReport(error, terminal)}\n`);
    return USAGE;
  }
  // commander has printed its message; help and version are no errors.
  if (isCommanderError(error)) return error.exitCode === 0 ? 0 : USAGE;
  terminal.warn(`heaplab has a bug, please report it:\n${(error as Error)?.stack ?? String(error)}\n`);
  return INTERNAL;
}

function isCommanderError(error: unknown): error is { exitCode: number } {
  return error instanceof Error && error.constructor.name.startsWith('CommanderError') && 'exitCode' in error;
}

await main();
