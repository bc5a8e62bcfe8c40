/** Which heap `heaplab compare` puts first, and why: sentences that say no more than was measured. */

import { findHeap } from '../heaps/catalog.js';
import { formatSeconds, groupDigits } from '../input/index.js';
import { type Comparison, type Contender, longestWait, ramBytes, rankOf } from '../studies/compare.js';
import { soundest } from './compare-figures.js';
import { approximate, bytes, counted } from './phrases.js';

/** Of these `contenders` are ranked. */
export function verdict(comparison: Comparison): string {
  const { contenders } = comparison;
  const [winner] = contenders;
  if (winner === undefined) return 'There is nothing to compare.';
  if (winner.note !== undefined) return 'No heap came to the end of it.';
  const overflows = comparison.overflows === undefined ? undefined : OVERFLOWS;
  return [victory(winner, comparison), whatWouldDo(comparison), caution(contenders), overflows]
    .filter((sentence) => sentence !== undefined)
    .join(' ');
}

const OVERFLOWS =
  'What is written behind blocks is not part of this: what it breaks on each heap stands below.';

function victory(winner: Contender, comparison: Comparison): string {
  const { contenders } = comparison;
  if (contenders.length === 1) return `${winner.heap} was alone: ${failureWords(winner)}.`;
  const peers = soundest(contenders);
  const equals = peers.filter((peer) => rankOf(winner, peer) === 0);
  const [next] = peers.slice(equals.length);
  const who = `${listed(equals.map(({ heap }) => heap))} ${equals.length === 1 ? 'wins' : 'win together'}`;
  if (peers.length === 1) return `${who}: ${loneReason(winner, contenders)}.`;
  const edge = next === undefined ? [] : [edgeOver(next, equals, comparison)];
  return `${who}: ${[peerReason(peers, contenders), ...edge].join('; ')}.`;
}

function failureWords({ outOfMemoryCount }: Contender): string {
  return outOfMemoryCount === 0 ? 'no request failed' : `${counted(outOfMemoryCount, 'request')} failed`;
}

/** With no other heap as few requests failed. */
function loneReason({ outOfMemoryCount: failed }: Contender, contenders: readonly Contender[]): string {
  const next = contenders.slice(1).find(({ note }) => note === undefined);
  const served = failed === 0 ? 'no request failed' : `the fewest requests failed, ${groupDigits(failed)}`;
  if (next === undefined)
    return `it alone came to the end, where ${failed === 0 ? served : `${groupDigits(failed)} failed`}`;
  return `with it alone ${served}; with ${next.heap}, the next best, ${groupDigits(next.outOfMemoryCount)} did`;
}

function peerReason(peers: readonly Contender[], contenders: readonly Contender[]): string {
  const heaps = counted(peers.length, 'heap');
  const [{ outOfMemoryCount: failed } = { outOfMemoryCount: 0 }] = peers;
  const more = contenders.some(
    ({ note, outOfMemoryCount }) => note === undefined && outOfMemoryCount > failed,
  );
  const served =
    failed === 0
      ? `no request failed with ${heaps}`
      : `${counted(failed, 'request')} failed with ${heaps}${more ? ', more with the others' : ''}`;
  const punctual = peers.filter(({ missedDeadlines = 0 }) => missedDeadlines === 0);
  if (punctual.length === 0 || punctual.length === peers.length) return served;
  return `${served}, and no deadline was missed with ${groupDigits(punctual.length)} of them`;
}

/** What puts the first ones before the next, with which as few requests failed. */
function edgeOver(next: Contender, equals: readonly Contender[], comparison: Comparison): string {
  const [winner] = equals as [Contender];
  const they = equals.length === 1 ? { it: 'it takes', its: 'its' } : { it: 'they take', its: 'their' };
  const [missed, nextMissed] = [winner.missedDeadlines ?? 0, next.missedDeadlines ?? 0];
  if (missed === 0 && nextMissed > 0) return `with ${next.heap} ${missedWords(nextMissed)}`;
  const saved = ramBytes(next) - ramBytes(winner);
  if (saved > 0) {
    const ram = `of these ${they.it} the least RAM, ${bytes(ramBytes(winner))}, ${bytes(saved)} less than ${next.heap}`;
    return `${ram}; ${price(winner, they.its, comparison)}`;
  }
  if (nextMissed > missed) return `${next.heap} takes as little RAM, but ${missedWords(nextMissed)} with it`;
  const wait = (contender: Contender) => waitWords(contender, comparison);
  return `${next.heap} takes as little RAM, but ${longest(comparison)} is ${wait(next)} instead of ${wait(winner)}`;
}

function missedWords(count: number): string {
  return count === 1 ? '1 deadline is missed' : `${groupDigits(count)} deadlines are missed`;
}

/** What others have to wait for who takes the least RAM. */
function price(winner: Contender, its: string, comparison: Comparison): string {
  const peers = soundest(comparison.contenders);
  const quickest = peers.reduce(
    (best, peer) => (longestWait(peer) < longestWait(best) ? peer : best),
    winner,
  );
  const own = `${longest(comparison).replace('its', its)}, ${waitWords(winner, comparison)},`;
  if (quickest === winner) return `${own} is the shortest of them too`;
  return `${own} is not the shortest of them: ${quickest.heap} has ${waitWords(quickest, comparison)}`;
}

function longest({ kind }: Comparison): string {
  return `its longest ${kind === 'trace' ? 'call' : 'suspension'}`;
}

function waitWords(contender: Contender, { clockHertz }: Comparison): string {
  return approximate(formatSeconds(longestWait(contender) / clockHertz), contender.cost?.estimated === true);
}

/** Where requests fail with all of them: the least RAM in which none would. */
function whatWouldDo({ contenders }: Comparison): string | undefined {
  if (contenders.every(({ note, outOfMemoryCount }) => note !== undefined || outOfMemoryCount > 0)) {
    const able = contenders.filter(({ smallestArenaBytes }) => smallestArenaBytes !== undefined);
    const [first] = able.sort((a, b) => ramBytes(a) - ramBytes(b));
    if (first !== undefined)
      return `For none to fail it takes ${bytes(ramBytes(first))} of RAM, with ${first.heap}.`;
  }
  return undefined;
}

/** What one heap stops at another may go past without a word; where a request had failed it may be for that. */
function caution(contenders: readonly Contender[]): string | undefined {
  const faulty = contenders.filter(
    ({ heap, fault, outOfMemoryCount }) =>
      fault !== undefined && outOfMemoryCount === 0 && findHeap(heap)?.neverFrees !== true,
  );
  if (faulty.length === 0) return undefined;
  return (
    `With ${counted(faulty.length, 'heap')} the run ends by a fault, see below: if that is the firmware's own, the ` +
    'others only fail to notice it.'
  );
}

/** `a`, `a and b`, `a, b and c`. */
function listed(names: readonly string[]): string {
  return names.length === 1 ? names[0]! : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
}
