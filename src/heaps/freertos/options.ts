/** The settings that FreeRTOS's heaps share, named after their `config` macros. */

import * as v from 'valibot';
import { flag } from '../definition.js';

export const assertsOption = flag(
  'configASSERT stops the device at a bad free; if false it is ignored in silence',
  true,
);

export const clearOnFreeOption = flag('configHEAP_CLEAR_MEMORY_ON_FREE: zero freed payloads', false);

export const protectorOption = flag(
  'configENABLE_HEAP_PROTECTOR: links are stored XORed with a canary',
  false,
);

/** heap_2 and what is made from it. */
export const heap2Options = v.strictObject({ asserts: assertsOption, clearOnFree: clearOnFreeOption });

export type Heap2Options = v.InferOutput<typeof heap2Options>;
