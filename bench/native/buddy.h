/* SPDX-License-Identifier: MIT
 *
 * Binary buddy: blocks are powers of two of 16 bytes and have no header; a table
 * in front of them has a byte for every 16 bytes: 0 where no block begins, else
 * its order + 1, and the top bit while it is in use. Holes are in one list per
 * order, by address. To be included by who calls buddy_init, buddy_malloc and so on.
 *
 * This file has no include guard: it is code, not an interface.
 */
#include "heap.h"

#define USED 0x80u
#define UNIT_SHIFT 4

struct hole {
    uint32_t next, previous; /* 0 at the ends */
};

enum { BASE = 32 };

static _Alignas(32) uint8_t memory[BASE + HEAP_MAX];
static uint8_t *const arena = memory + BASE;
static uint32_t *const heads = (uint32_t *)(memory + BASE);
static uint8_t *table;
static uint32_t first, count, highest, bitmap, free_count;

static inline struct hole *at(uint32_t link)
{
    return (struct hole *)(memory + link);
}

static inline uint32_t log2_of(uint32_t value)
{
    return 31 - (uint32_t)__builtin_clz(value);
}

static inline void file(uint32_t index, uint32_t order)
{
    uint32_t hole = first + (index << UNIT_SHIFT), previous = 0, next = heads[order];

    table[index] = (uint8_t)(order + 1);
    while (next != 0 && next < hole) {
        previous = next;
        next = at(next)->next;
    }
    *at(hole) = (struct hole){.next = next, .previous = previous};
    if (next != 0)
        at(next)->previous = hole;
    if (previous != 0) {
        at(previous)->next = hole;
    } else {
        heads[order] = hole;
        bitmap |= 1u << order;
    }
}

static inline void take_out(uint32_t index, uint32_t order)
{
    struct hole links = *at(first + (index << UNIT_SHIFT));

    if (links.next != 0)
        at(links.next)->previous = links.previous;
    if (links.previous != 0) {
        at(links.previous)->next = links.next;
    } else {
        heads[order] = links.next;
        if (links.next == 0)
            bitmap &= ~(1u << order);
    }
}

static bool buddy_init(uint32_t bytes, uint32_t alignment)
{
    if (!heap_arguments_ok(bytes, alignment))
        return false;
    /* A table byte and its 16 bytes each; then fewer, until heads and padding fit in as well. */
    for (count = bytes / 17;; count--) {
        highest = log2_of(count);
        first = BASE + round_up(4 * (highest + 1) + count, alignment);
        if (first - BASE + (count << UNIT_SHIFT) <= bytes)
            break;
    }
    table = arena + 4 * (highest + 1);
    bitmap = 0;
    free_count = count << UNIT_SHIFT;
    for (uint32_t order = 0; order <= highest; order++)
        heads[order] = 0;
    for (uint32_t index = 0; index < count; index++)
        table[index] = 0;
    uint32_t index = 0;
    for (uint32_t order = highest + 1; order-- > 0;) {
        if (count & 1u << order) {
            file(index, order);
            index += 1u << order;
        }
    }
    return true;
}

static inline void *buddy_malloc(uint32_t request)
{
    if (request == 0)
        return NULL;
    uint32_t units = (request - 1) >> UNIT_SHIFT, order = units == 0 ? 0 : log2_of(units) + 1;
    if (order > highest || bitmap >> order == 0)
        return NULL;

    uint32_t from = order + (uint32_t)__builtin_ctz(bitmap >> order);
    uint32_t hole = heads[from], index = (hole - first) >> UNIT_SHIFT;
    take_out(index, from);
    while (from > order) {
        from--;
        file(index + (1u << from), from);
    }
    table[index] = (uint8_t)(USED | (order + 1));
    free_count -= 1u << (order + UNIT_SHIFT);
    return memory + hole;
}

static inline void buddy_free(void *payload)
{
    if (payload == NULL)
        return;
    uint32_t offset = (uint32_t)((uint8_t *)payload - memory) - first, index = offset >> UNIT_SHIFT;
    if (offset % (1u << UNIT_SHIFT) != 0 || index >= count || table[index] < USED)
        return;
    uint32_t order = table[index] - USED - 1;
    free_count += 1u << (order + UNIT_SHIFT);

    for (;;) {
        uint32_t buddy = index ^ 1u << order;
        if (buddy + (1u << order) > count || table[buddy] != order + 1)
            break;
        take_out(buddy, order);
        table[index | 1u << order] = 0;
        index &= ~(1u << order);
        order++;
    }
    file(index, order);
}

static inline uint32_t buddy_free_bytes(void)
{
    return free_count;
}
