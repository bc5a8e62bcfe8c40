/* SPDX-License-Identifier: MIT
 *
 * Without a scheduler to suspend it is the heap that it wraps, but for realloc, which FreeRTOS does not have.
 */
#define HEAP heap_3
#include "newlib_nano.h"
