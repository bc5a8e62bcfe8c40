/** Words for what keeps a workload from coming through. */

import { groupDigits } from '../input/index.js';
import { faultName } from '../mcu/index.js';
import type { FailedRequest, Obstacle, ObstaclePlace, RunFault } from '../studies/obstacle.js';
import { bytes } from './phrases.js';
import { glue } from './text.js';

/** `assertion at tick 12 in task logger (node.yaml:33): the block is free already`; how a run ended early. */
export function faultWords({ fault, reason, place }: RunFault): string {
  return `${fault === 'corruption' ? fault : faultName(fault)} at ${placeWords(place)}: ${reason}`;
}

/** What even an arena of `arenaBytes`, the largest there is, has no room for. */
export function refusalWords({ bytes: size, place }: FailedRequest, arenaBytes: number): string {
  const request = `the request of ${glue(bytes(size))} at ${placeWords(place)}`;
  return `even in an arena of ${glue(bytes(arenaBytes))} there is no room for ${request}`;
}

/** Why no arena up to `arenaBytes` would do for `heaps`. */
export function hopelessText(heaps: readonly string[], obstacle: Obstacle, arenaBytes: number): string {
  const names = heaps.join(', ');
  if (obstacle.kind === 'fault') {
    return `No arena would do for ${names}: it is a fault, not a lack of RAM. ${capital(faultWords(obstacle))}.`;
  }
  return `No arena would do for ${names}: ${refusalWords(obstacle, arenaBytes)}.`;
}

/** `operation 12 (node.trace:14)`, `tick 3 in task logger (node.yaml:33)`. */
function placeWords(place: ObstaclePlace): string {
  const line = place.line === undefined ? '' : ` (${place.file}:${place.line})`;
  if (place.kind === 'trace') return `${glue(`operation ${groupDigits(place.operation)}`)}${line}`;
  return `${glue(`tick ${groupDigits(place.tick)}`)}${whose(place)}${line}`;
}

export function whose({ context, task }: { readonly context: string; readonly task: string }): string {
  return context === 'main' ? ', before the scheduler started' : ` in ${context} ${task}`;
}

function capital(text: string): string {
  return text[0]!.toUpperCase() + text.slice(1);
}
