/* SPDX-License-Identifier: MIT */
#include "buddy.h"

#define heap_init buddy_init
#define heap_malloc buddy_malloc
#define heap_free buddy_free
#define heap_free_bytes buddy_free_bytes
#define HEAP buddy
#include "replay_loop.h"
