/* SPDX-License-Identifier: MIT
 *
 * First fit with merging over memory that is taken into use as it is needed: the
 * holes are in one list, ascending by address; where none is large enough the
 * break moves up. A block begins with its size; its payload, at a multiple of 8,
 * follows it or, with a word in between that leads back, 8 bytes behind. To be
 * included with HEAP defined, and HAS_RESIZE if realloc may leave blocks where they are.
 *
 * Written from a description of the behaviour of newlib's malloc for small
 * devices; it contains none of its source. No include guard: it is code.
 */
#include "heap.h"

enum { OVERHEAD = 8, LEAST = 12, BASE = 16 };
#define LARGEST (1u << 31)
#define BACK (UINT32_MAX - 3) /* -4 */

struct block {
    uint32_t size; /* with this word */
    uint32_t next; /* of a hole; 0 at the end */
};

static _Alignas(16) uint8_t memory[BASE + HEAP_MAX];
static uint8_t *const arena = memory + BASE;
static uint32_t list, top, end;

static inline struct block *at(uint32_t link)
{
    return (struct block *)(memory + link);
}

static bool heap_init(uint32_t bytes, uint32_t alignment)
{
    if (!heap_arguments_ok(bytes, alignment))
        return false;
    list = 0;
    top = BASE;
    end = BASE + bytes;
    return true;
}

/* Has `previous`, or the list's start where that is 0, lead to `hole`. */
static inline void lead_to(uint32_t previous, uint32_t hole)
{
    if (previous == 0)
        list = hole;
    else
        at(previous)->next = hole;
}

static inline uint32_t take_from_list(uint32_t previous, uint32_t hole, uint32_t wanted)
{
    uint32_t rest = at(hole)->size - wanted, next = at(hole)->next;
    if (rest >= LEAST) {
        at(hole)->size = wanted;
        *at(hole + wanted) = (struct block){.size = rest, .next = next};
        next = hole + wanted;
    }
    lead_to(previous, next);
    return hole;
}

/* `last`: the last hole, which may be widened. */
static inline uint32_t take_more(uint32_t last, uint32_t wanted)
{
    uint32_t block = top;
    if (wanted > end - top) {
        if (last == 0 || last + at(last)->size != top || wanted - at(last)->size > end - top)
            return 0;
        uint32_t previous = 0;
        for (uint32_t hole = list; hole != last; hole = at(hole)->next)
            previous = hole;
        lead_to(previous, 0);
        block = last;
    }
    top = block + wanted;
    at(block)->size = wanted;
    return block;
}

static inline void *heap_malloc(uint32_t request)
{
    if (request >= LARGEST - OVERHEAD)
        return NULL;
    uint32_t wanted = round_up(request, 4) + OVERHEAD;
    if (wanted < LEAST)
        wanted = LEAST;
    uint32_t previous = 0, block = list;
    while (block != 0 && at(block)->size < wanted) {
        previous = block;
        block = at(block)->next;
    }
    block = block != 0 ? take_from_list(previous, block, wanted) : take_more(previous, wanted);
    if (block == 0)
        return NULL;
    uint32_t payload = round_up(block + 4, 8);
    if (payload != block + 4)
        *(uint32_t *)(memory + block + 4) = BACK;
    return memory + payload;
}

static inline uint32_t block_of(void *payload)
{
    uint32_t before = (uint32_t)((uint8_t *)payload - memory) - 4, word = *(uint32_t *)(memory + before);
    return word >= LARGEST ? before + word : before;
}

static inline void heap_free(void *payload)
{
    if (payload == NULL)
        return;
    uint32_t block = block_of(payload), size = at(block)->size, previous = 0, next = list;
    while (next != 0 && next <= block) {
        previous = next;
        next = at(next)->next;
    }
    uint32_t hole = block;
    if (previous != 0) {
        uint32_t previous_end = previous + at(previous)->size;
        if (previous_end > block) /* it is free already */
            return;
        if (previous_end == block) {
            hole = previous;
            size += at(previous)->size;
        }
    }
    if (hole + size == next) {
        size += at(next)->size;
        next = at(next)->next;
    }
    *at(hole) = (struct block){.size = size, .next = next};
    if (hole == block)
        lead_to(previous, block);
}

#ifdef HAS_RESIZE
/* Where it stands if it has room, and would not be half empty. */
static inline bool heap_resize(void *payload, uint32_t request)
{
    uint32_t block = block_of(payload);
    uint32_t usable = block + at(block)->size - (uint32_t)((uint8_t *)payload - memory);
    return request <= usable && usable < 2 * (uint64_t)request;
}
#endif

static inline uint32_t heap_free_bytes(void)
{
    uint32_t bytes = end - top;
    for (uint32_t hole = list; hole != 0; hole = at(hole)->next)
        bytes += at(hole)->size;
    return bytes;
}

#include "replay_loop.h"
