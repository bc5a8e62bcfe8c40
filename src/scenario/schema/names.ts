/** Names that a scenario gives and uses, and small parts that many of its schemas share. */

import * as v from 'valibot';
import { described, named, reading, readTime, scalarOrMap, TIME_WORDS } from '../../input/files.js';
import type { Selection, Timeout } from '../scenario.js';

export const NAME = /^[A-Za-z_][A-Za-z0-9_.-]*$/;
const NAME_WORDS = 'a name: a letter or _, then letters, digits, _, . or -';

/** What the kernel calls its own, and what `suspend: self` means. */
export const RESERVED_TASK_NAMES: readonly string[] = ['IDLE', 'ISR', 'self'];

export const name = v.pipe(v.string(NAME_WORDS), v.regex(NAME, NAME_WORDS));

export const taskName = v.pipe(
  name,
  v.notValues(RESERVED_TASK_NAMES, `${NAME_WORDS}; not IDLE, ISR or self`),
);

const SELECTIONS = ['newest', 'oldest', 'random', 'all'] as const satisfies readonly Selection[];
const ONE_SELECTIONS = ['newest', 'oldest', 'random'] as const satisfies readonly Selection[];

export const whichOne = v.optional(
  described('Which of several blocks held under the name', v.picklist(ONE_SELECTIONS)),
  'newest',
);

const whichOnes = v.optional(
  described('Which of the blocks held under the name', v.picklist(SELECTIONS)),
  'newest',
);

/** `frame`, or `{ name: frame, which: oldest }`. */
export const blocks = scalarOrMap(
  v.pipe(
    v.string(`${NAME_WORDS}; or a map such as { name: frame, which: oldest }`),
    v.regex(NAME, NAME_WORDS),
    v.transform((block) => ({ name: block, which: 'newest' as Selection })),
  ),
  v.strictObject({ name: described('The name of the block', name), which: whichOnes }),
);

/** How long to wait. */
export const timeout = named(
  reading<Timeout>(
    `forever, or ${TIME_WORDS}`,
    { type: ['string', 'integer'], minimum: 0, maximum: 0 },
    (value) => (value === 'forever' ? value : readTime(value)),
  ),
);
