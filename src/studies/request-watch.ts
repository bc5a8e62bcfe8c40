/**
 * Follows one request through runs on other heaps and sizes. Heap calls cost other times there, so neither the
 * tick nor the number of the call names it; the how-manieth request from its place in the script does.
 */

import type { OutOfMemoryEvent } from '../inspect/result.js';
import type { Block, Request } from '../scenario/firmware.js';
import type { Scenario } from '../scenario/scenario.js';
import type { RunObserver } from '../simulation/events.js';
import { type RunSettings, run } from '../simulation/run.js';

type Place = Pick<OutOfMemoryEvent, 'at' | 'label'>;

/** A stack or control block that was allocated has no line; there is but one task of the name. */
function samePlace({ at, label }: Pick<Request, 'at' | 'label'>, place: Place): boolean {
  return label === place.label && (at === undefined || at.line === place.at?.line);
}

/** What becomes of the request number `attempt` from `place`. */
export class RequestWatch implements RunObserver {
  fate: 'served' | 'refused' | 'not made' = 'not made';
  private attempts = 0;

  constructor(
    private readonly place: Place,
    private readonly attempt: number,
  ) {}

  allocated(block: Block): void {
    if (samePlace(block, this.place) && ++this.attempts === this.attempt) this.fate = 'served';
  }

  outOfMemory(request: Request): void {
    if (samePlace(request, this.place) && ++this.attempts === this.attempt) this.fate = 'refused';
  }
}

/** The how-manieth request from its place an event was: counted by making the run again. */
export function attemptAt(scenario: Scenario, settings: RunSettings, event: OutOfMemoryEvent): number {
  let attempts = 0;
  let failures = 0;
  let found = 0;
  const counter: RunObserver = {
    allocated: (block) => {
      if (samePlace(block, event)) attempts++;
    },
    outOfMemory: (request) => {
      if (samePlace(request, event)) attempts++;
      if (++failures === event.number) found = attempts;
    },
  };
  run(scenario, { ...settings, stopAtFirstFailure: event.number === 1 }, [counter]);
  return found;
}
