/* SPDX-License-Identifier: MIT */
#define HEAP heap_4
#define IS_LAZY true
#include "address_ordered.h"
