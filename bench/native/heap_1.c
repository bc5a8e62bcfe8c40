/* SPDX-License-Identifier: MIT
 *
 * Hands out memory from bottom to top, and takes nothing back.
 */
#include "heap.h"

enum { BASE = 16 };

static _Alignas(16) uint8_t memory[BASE + HEAP_MAX];
static uint8_t *const arena = memory + BASE;
static uint32_t align, limit, next;

static bool heap_init(uint32_t bytes, uint32_t alignment)
{
    if (!heap_arguments_ok(bytes, alignment))
        return false;
    align = alignment;
    limit = bytes - alignment; /* set aside for aligning the start, needed or not */
    next = 0;
    return true;
}

static inline void *heap_malloc(uint32_t request)
{
    uint32_t wanted = block_size(request, 0, align);
    if (wanted == 0 || wanted >= limit - next) /* the last bytes are never given out */
        return NULL;
    uint32_t block = next;
    next += wanted;
    return arena + block;
}

static inline void heap_free(void *payload)
{
    (void)payload;
}

static inline uint32_t heap_free_bytes(void)
{
    return limit - next;
}

#define HEAP heap_1
#include "replay_loop.h"
