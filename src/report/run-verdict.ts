/** Whether a run did what its scenario expects, and what broke if it did not. */

import { groupDigits } from '../input/index.js';
import { OUTCOME } from '../inspect/expectations.js';
import type { CreationFailureResult, RunResult } from '../inspect/result.js';
import { faultTitle, hex } from '../mcu/index.js';
import { item, paragraph } from './layout.js';
import { whose } from './obstacle-text.js';
import type { Paint } from './paint.js';
import { textColumnsOf } from './paint.js';
import { bytes as amount, counted, place } from './phrases.js';
import { type Column, table } from './tables.js';
import { glue, wrap } from './text.js';

export function expectationTable({ expectations }: RunResult, paint: Paint): string | undefined {
  if (expectations.length === 0) return undefined;
  const { green, red } = paint.color;
  const columns: readonly Column[] = [
    { head: '' },
    { head: '', minimum: 12 },
    { head: '', minimum: 14, overflow: 'wrap' },
    { head: '', minimum: 10, overflow: 'wrap' },
  ];
  const rows = expectations.map(({ what, expected, actual, holds }) => {
    const style = holds ? green : red;
    return [
      { text: holds ? '✓' : '✗', style },
      what,
      `expected ${expected}`,
      { text: `was ${actual}`, style },
    ];
  });
  return table(columns, rows, paint, { head: false });
}

export function faultText(result: RunResult, paint: Paint): string | undefined {
  const { fault } = result;
  if (fault === undefined) return undefined;
  const { kind, address } = fault;
  const what = kind === 'corruption' ? `the heap is corrupted at ${hex(address)}` : faultTitle(kind, address);
  const when = `At ${glue(`tick ${groupDigits(fault.tick)}`)}${whose(fault)}${where(result, fault.at)}`;
  return [paragraph(`${when}: ${paint.color.red(glue(what))}`, paint), paragraph(fault.reason, paint)].join(
    '\n',
  );
}

function where(result: RunResult, at: { line: number; column: number } | undefined): string {
  const written = place(result.scenario.file, at);
  return written === undefined ? '' : ` (${written})`;
}

const SHOWN_CREATIONS = 6;

/** Tasks and queues for which there was no room, so that nobody wonders why they do nothing. */
export function notCreatedText({ notCreated }: RunResult, paint: Paint): string | undefined {
  if (notCreated.length === 0) return undefined;
  const lines = notCreated.slice(0, SHOWN_CREATIONS).map((failure) => item(creationText(failure), paint));
  const left = notCreated.length - lines.length;
  if (left > 0) lines.push(paragraph(`… and ${groupDigits(left)} more`, paint, paint.color.dim));
  return lines.join('\n');
}

const OBJECTS: Readonly<Record<CreationFailureResult['object'], string>> = {
  stack: 'its stack',
  tcb: 'its control block',
  queue: 'its storage',
};

function creationText({ kind, name, object, bytes, tick, times, created }: CreationFailureResult): string {
  const what = `${kind === 'task' ? 'Task' : 'Queue'} ${name}`;
  const when = glue(`tick ${groupDigits(tick)}`);
  const often = times === 1 ? when : `${glue(counted(times, 'time'))}, first at ${when}`;
  const failed = `${what} could not be created (${often}): no room for ${OBJECTS[object]} of ${glue(amount(bytes))}.`;
  if (created) return `${failed} At another time it was.`;
  return `${failed} ${kind === 'task' ? 'It never ran.' : 'It never existed.'}`;
}

const SHOWN_LOSSES = 6;

/** Blocks that no longer held what their owner had written. */
export function lostContentsText(result: RunResult, paint: Paint): string | undefined {
  const { lostContents } = result;
  if (lostContents.length === 0) return undefined;
  const lines = lostContents.slice(0, SHOWN_LOSSES).map(({ task, tick, label, owner, address, at }) => {
    const block = `block "${label}" of ${owner}${where(result, at)}`;
    return item(
      `Tick ${groupDigits(tick)}, seen by ${task}: ${block} was overwritten at ${hex(address)}`,
      paint,
    );
  });
  const left = lostContents.length - lines.length;
  if (left > 0) lines.push(paragraph(`… and ${groupDigits(left)} more`, paint, paint.color.dim));
  return lines.join('\n');
}

/** The last line of a summary. */
export function verdictLine(result: RunResult, paint: Paint): string {
  const { passed } = result;
  const reasons = passed ? passedBecause(result) : failedBecause(result);
  const text = `${passed ? '✓ passed' : '✗ failed'}: ${reasons}`;
  const style = passed ? paint.color.green.bold : paint.color.red.bold;
  return wrap(text, textColumnsOf(paint), 2)
    .map((line) => style(line))
    .join('\n');
}

function passedBecause({ expectations, outOfMemoryCount }: RunResult): string {
  const { length } = expectations;
  if (length > 0) return length === 1 ? 'the expectation holds' : `all ${length} expectations hold`;
  const failures =
    outOfMemoryCount === 0 ? 'nothing failed' : `${counted(outOfMemoryCount, 'request')} failed`;
  return `${failures}, and the scenario states no expectations`;
}

function failedBecause(result: RunResult): string {
  const { expectations, lostContents, outcome } = result;
  const unmet = expectations.filter((expectation) => !expectation.holds);
  const reasons: string[] = [];
  // An end that was expected is no reason, one that was not is among the expectations already.
  const isEndJudged = expectations.some((expectation) => expectation.what === OUTCOME);
  if (outcome === 'fault' && !isEndJudged) reasons.push('a fault stopped the device');
  if (outcome === 'corrupted' && !isEndJudged) reasons.push('the heap was corrupted');
  if (lostContents.length > 0) reasons.push(`contents lost ${counted(lostContents.length, 'time')}`);
  if (unmet.length > 0) {
    const names = unmet.map((expectation) => expectation.what).join(', ');
    reasons.push(`${unmet.length} of ${counted(expectations.length, 'expectation')} not met (${names})`);
  }
  return reasons.join('; ');
}
