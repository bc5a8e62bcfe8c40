/* SPDX-License-Identifier: MIT
 *
 * What the native heaps have in common.
 *
 * A heap lives in one static, 16-aligned byte array of its own file. Blocks are
 * named by their 32-bit byte offset in that array ("link"), so that a header is
 * as large here as on a 32-bit device. The list starts (and, where the heap has
 * them outside, the list ends) are kept in the same array, before or after the
 * bytes that are given out. Link 0 is always a list start, to which nothing
 * links, and therefore also serves as "no link".
 *
 * Each heap_*.c defines the four functions heap_init, heap_malloc, heap_free and
 * heap_free_bytes, and `arena` (the address of the first byte of its heap), and
 * ends with replay_loop.h, which builds the replay loop around them.
 */
#ifndef HEAPLAB_NATIVE_HEAP_H
#define HEAPLAB_NATIVE_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The largest heap that `init` takes. */
#define HEAP_MAX (16u << 20)

/* Set in the size of a block that is in use. */
#define ALLOCATED 0x80000000u

/* One line of a trace. `a` is the size (for 'c': the number), `b` the size of 'c'. */
struct operation {
    uint32_t kind; /* 'a', 'f', 'r' or 'c' */
    uint32_t id;
    uint32_t a, b;
};

/* What an id of the trace holds: the payload and the bytes that were asked for. */
struct slot {
    uint8_t *payload;
    uint32_t size;
};

/* What an operation answered. */
struct answer {
    int64_t offset; /* of the payload from the heap's start, NO_PAYLOAD or NOTHING_HELD */
    uint32_t free_bytes;
};
enum { NO_PAYLOAD = -1, NOTHING_HELD = -2 };

struct heap {
    const char *name;
    /* Starts over with an empty heap. False when the arguments cannot be served. */
    bool (*init)(uint32_t bytes, uint32_t alignment);
    void *(*malloc)(uint32_t size);
    void (*free)(void *payload);
    uint32_t (*free_bytes)(void);
    /* Runs the operations; `slots` must be empty. Nothing in here is called indirectly. */
    void (*replay)(const struct operation *operations, size_t count, struct slot *slots);
    /* The same, and notes every answer. */
    void (*answer)(const struct operation *operations, size_t count, struct slot *slots,
                   struct answer *answers);
};

extern const struct heap heap_1, heap_2, heap_2_coalescing, heap_3, heap_4, heap_5, newlib_nano;
extern const struct heap first_fit, next_fit, best_fit, worst_fit, buddy, slab, tlsf, o1heap, dlmalloc;

static inline uint32_t round_up(uint32_t value, uint32_t alignment)
{
    return (value + alignment - 1) & ~(alignment - 1);
}

/* A power of two from 4 to 16, and room for a few headers. */
static inline bool heap_arguments_ok(uint32_t bytes, uint32_t alignment)
{
    return (alignment == 4 || alignment == 8 || alignment == 16) && bytes >= 64 && bytes <= HEAP_MAX;
}

/*
 * The size of the block that serves a request: header and padding added. 0 when
 * there is none: nothing was asked for, or so much that the sum overflows.
 */
static inline uint32_t block_size(uint32_t request, uint32_t header, uint32_t alignment)
{
    if (request == 0 || request > UINT32_MAX - header - (alignment - 1))
        return 0;
    return round_up(request + header, alignment);
}

#endif
