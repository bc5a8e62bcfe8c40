/* SPDX-License-Identifier: MIT
 *
 * In one region: then it is heap_4, laid out before the first request.
 */
#define HEAP heap_5
#define IS_LAZY false
#include "address_ordered.h"
