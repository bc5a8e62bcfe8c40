/** The file format of target profiles. */

import * as v from 'valibot';
import {
  choice,
  described,
  hertz,
  integer,
  isMap,
  MAXIMUM_WORD,
  positiveSize,
  size,
} from '../input/files.js';

const ALIGNMENT_WORDS = '4, 8, 16 or 32';
const ADDRESS_WORDS = 'an address such as 0x20000000';

function text(description: string) {
  return described(description, v.string('text'));
}

const region = v.strictObject(
  {
    name: text("What the chip's manual calls it, such as SRAM or CCM"),
    origin: described('Its first address', integer(0, MAXIMUM_WORD, ADDRESS_WORDS)),
    size: described('Its bytes', positiveSize),
    heap: v.optional(described('Whether the heap may use it', v.boolean('true or false')), true),
  },
  'a map such as { name: SRAM, origin: 0x20000000, size: 20 KiB }',
);

const kernelEntries = {
  'objects from heap': described(
    'Whether task stacks, control blocks and queues are taken from the heap',
    v.boolean('true or false'),
  ),
  tcb: described("Bytes of a task's control block", size),
  queue: described("Bytes of a queue's control block; its items come on top", size),
  'idle stack': described("Bytes of the idle task's stack, and of every task that gives none", size),
  priorities: described(
    'How many priorities there are: 0 to one less than this',
    integer(1, 256, 'a whole number from 1 to 256'),
  ),
};

const KERNEL_WORDS = 'a map of what the kernel needs: "tcb", "queue", "idle stack" …';
const REGION_WORDS = 'a list of regions such as { name: SRAM, origin: 0x20000000, size: 20 KiB }';

const requiredEntries = {
  name: text('What the chip is called'),
  vendor: text('Who makes it'),
  core: text('Its CPU core, such as cortex-m3; cost tables go by it'),
  clock: described('How fast the CPU runs', hertz),
  tick: described("How often the kernel's timer interrupts", hertz),
  alignment: described(
    'Payloads of the heap begin at multiples of this many bytes',
    v.picklist([4, 8, 16, 32], ALIGNMENT_WORDS),
  ),
  regions: described(
    'The RAM. The first holds static data and the main stack',
    v.pipe(v.array(region, REGION_WORDS), v.minLength(1, `${REGION_WORDS}, at least one`)),
  ),
  'static data': described("Bytes of the firmware's variables, the heap's own not counted", size),
  'main stack': described('Bytes of the stack that interrupts use', size),
};

const optionalEntries = {
  source: v.optional(text('Where these numbers come from')),
  description: v.optional(text('What should be known about the chip')),
  'heap size': v.optional(
    described('Bytes of the heap; all that is left in its first region if absent', positiveSize),
  ),
};

const WORDS = 'a target: a map with "name", "core", "clock", "regions" …';

/** A profile that says everything. */
const completeProfile = v.strictObject(
  {
    ...requiredEntries,
    ...optionalEntries,
    kernel: described('How the kernel is built', v.strictObject(kernelEntries, KERNEL_WORDS)),
  },
  WORDS,
);

/** A profile that says in what it differs from another. */
const extendingProfile = v.strictObject(
  {
    extends: text('The profile that this one changes: a name, or a path from here that ends in .yaml'),
    ...v.partial(v.strictObject(requiredEntries)).entries,
    ...optionalEntries,
    kernel: v.optional(
      described('How the kernel is built', v.partial(v.strictObject(kernelEntries, KERNEL_WORDS))),
    ),
  },
  WORDS,
);

export const targetSchema = choice<typeof completeProfile | typeof extendingProfile>(
  [completeProfile, extendingProfile],
  (value) => (isMap(value) && Object.hasOwn(value, 'extends') ? extendingProfile : completeProfile),
);

export type CompleteProfile = v.InferOutput<typeof completeProfile>;
export type ExtendingProfile = v.InferOutput<typeof extendingProfile>;
