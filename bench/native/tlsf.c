/* SPDX-License-Identifier: MIT
 *
 * Two-level segregated fit: the holes are in 24 x 32 lists by size, a level per
 * power of two, each cut into 32 equal classes, with a bit for each list and for
 * each level that has something in it. A request takes the first hole of the
 * lowest list in which every hole is large enough. A freed block joins the holes
 * that touch it. Lists are last in, first out.
 *
 * Written from a description of the behaviour of mattconte/tlsf on 32 bits; it
 * contains none of its source.
 */
#include "heap.h"

enum {
    ALIGN = 4,
    OVERHEAD = 4,  /* the size word, which is all that a live block costs */
    PAYLOAD = 8,   /* from a block to its payload */
    LEAST = 12,    /* of a payload */
    SMALL = 128,   /* below, the classes are 4 bytes wide */
    LEVELS = 24,
    CLASSES = 32,
    IS_FREE = 1,
    BEFORE_IS_FREE = 2,
    FLAGS = 3,
};
#define LARGEST (1u << 30)

/* A block begins a word before its size: in the payload of the one before. */
struct block {
    uint32_t predecessor; /* while that one is free */
    uint32_t size;        /* of the payload, and the flags */
    uint32_t next, previous; /* of a hole; the null block at the ends of its list */
};

/* On the device the null block, maps and lists lie at the heap's start, and take their bytes here too. */
enum { CONTROL = 3188, NULL_BLOCK = 16, BASE = 32 };

static _Alignas(32) uint8_t memory[BASE + HEAP_MAX];
static uint8_t *const arena = memory + BASE;
static uint32_t levels, classes[LEVELS], lists[LEVELS][CLASSES], free_count;

static inline struct block *at(uint32_t link)
{
    return (struct block *)(memory + link);
}

static inline uint32_t log2_of(uint32_t value)
{
    return 31 - (uint32_t)__builtin_clz(value);
}

static inline uint32_t size_of(uint32_t block)
{
    return at(block)->size & ~(uint32_t)FLAGS;
}

static inline uint32_t behind(uint32_t block)
{
    return block + OVERHEAD + size_of(block);
}

static inline void expect(bool statement)
{
    if (__builtin_expect(!statement, 0))
        __builtin_trap();
}

struct class {
    uint32_t level, number;
};

static inline struct class class_of(uint32_t size)
{
    if (size < SMALL)
        return (struct class){0, size / 4};
    uint32_t exponent = log2_of(size);
    return (struct class){exponent - 6, (size >> (exponent - 5)) - CLASSES};
}

static inline void insert(uint32_t hole)
{
    struct class class = class_of(size_of(hole));
    uint32_t *list = &lists[class.level][class.number], first = *list;

    at(hole)->next = first;
    at(hole)->previous = NULL_BLOCK;
    at(first)->previous = hole;
    *list = hole;
    levels |= 1u << class.level;
    classes[class.level] |= 1u << class.number;
}

static inline void take_out(uint32_t hole, struct class class)
{
    uint32_t next = at(hole)->next, previous = at(hole)->previous;
    expect(next != 0 && previous != 0);
    at(next)->previous = previous;
    at(previous)->next = next;
    if (lists[class.level][class.number] != hole)
        return;
    lists[class.level][class.number] = next;
    if (next != NULL_BLOCK)
        return;
    classes[class.level] &= ~(1u << class.number);
    if (classes[class.level] == 0)
        levels &= ~(1u << class.level);
}

static inline void mark_free(uint32_t block)
{
    uint32_t next = behind(block);
    at(next)->predecessor = block;
    at(next)->size |= BEFORE_IS_FREE;
    at(block)->size |= IS_FREE;
}

static inline void mark_used(uint32_t block)
{
    at(behind(block))->size &= ~(uint32_t)BEFORE_IS_FREE;
    at(block)->size &= ~(uint32_t)IS_FREE;
}

/* Makes the block behind a part of this one. */
static inline void absorb(uint32_t block, uint32_t other)
{
    at(block)->size += size_of(other) + OVERHEAD;
    at(behind(block))->predecessor = block;
}

static inline bool has_rest(uint32_t block, uint32_t wanted)
{
    return size_of(block) >= wanted + (uint32_t)sizeof(struct block);
}

/* Cuts a block down to `wanted`; what is left is marked as free, and in no list. */
static inline uint32_t split(uint32_t block, uint32_t wanted)
{
    uint32_t rest_size = size_of(block) - wanted - OVERHEAD;
    at(block)->size = wanted | (at(block)->size & FLAGS);
    uint32_t rest = behind(block);
    at(rest)->size = rest_size;
    mark_free(rest);
    return rest;
}

static inline uint32_t merge_with_next(uint32_t block)
{
    uint32_t next = behind(block);
    if (at(next)->size & IS_FREE) {
        take_out(next, class_of(size_of(next)));
        absorb(block, next);
        free_count += OVERHEAD;
    }
    return block;
}

static bool heap_init(uint32_t bytes, uint32_t alignment)
{
    if (!heap_arguments_ok(bytes, alignment) || bytes < CONTROL + 2 * OVERHEAD + LEAST)
        return false;
    levels = 0;
    for (int level = 0; level < LEVELS; level++) {
        classes[level] = 0;
        for (int number = 0; number < CLASSES; number++)
            lists[level][number] = NULL_BLOCK;
    }
    uint32_t first = BASE + CONTROL - OVERHEAD;
    free_count = (bytes - CONTROL - 2 * OVERHEAD) & ~(uint32_t)(ALIGN - 1);
    at(first)->size = free_count | IS_FREE;
    insert(first);
    at(behind(first))->predecessor = first;
    at(behind(first))->size = BEFORE_IS_FREE;
    return true;
}

/* Bytes of the payload for a request, or 0. */
static inline uint32_t payload_size(uint32_t request)
{
    if (request == 0 || request > LARGEST - ALIGN)
        return 0;
    return request <= LEAST ? LEAST : round_up(request, ALIGN);
}

static inline void *heap_malloc(uint32_t request)
{
    uint32_t wanted = payload_size(request);
    if (wanted == 0)
        return NULL;
    struct class class =
        class_of(wanted < SMALL ? wanted : wanted + (1u << (log2_of(wanted) - 5)) - 1);
    if (class.level >= LEVELS)
        return NULL;
    uint32_t filled = classes[class.level] & ~0u << class.number;
    if (filled == 0) {
        uint32_t above = levels & ~0u << (class.level + 1);
        if (above == 0)
            return NULL;
        class.level = (uint32_t)__builtin_ctz(above);
        filled = classes[class.level];
    }
    class.number = (uint32_t)__builtin_ctz(filled);

    uint32_t block = lists[class.level][class.number];
    expect(size_of(block) >= wanted);
    take_out(block, class);
    free_count -= size_of(block);
    if (has_rest(block, wanted)) {
        uint32_t rest = split(block, wanted);
        at(rest)->predecessor = block;
        at(rest)->size |= BEFORE_IS_FREE;
        free_count += size_of(rest);
        insert(rest);
    }
    mark_used(block);
    return memory + block + PAYLOAD;
}

static inline void heap_free(void *payload)
{
    if (payload == NULL)
        return;
    uint32_t block = (uint32_t)((uint8_t *)payload - memory) - PAYLOAD;
    expect(!(at(block)->size & IS_FREE) && size_of(block) != 0);
    free_count += size_of(block);
    mark_free(block);
    if (at(block)->size & BEFORE_IS_FREE) {
        uint32_t previous = at(block)->predecessor;
        expect(at(previous)->size & IS_FREE);
        take_out(previous, class_of(size_of(previous)));
        absorb(previous, block);
        free_count += OVERHEAD;
        block = previous;
    }
    insert(merge_with_next(block));
}

static inline bool heap_resize(void *payload, uint32_t request)
{
    uint32_t wanted = payload_size(request);
    if (wanted == 0)
        return false;
    uint32_t block = (uint32_t)((uint8_t *)payload - memory) - PAYLOAD;
    if (wanted > size_of(block)) {
        uint32_t next = behind(block);
        bool is_enough = size_of(block) + size_of(next) + OVERHEAD >= wanted;
        if (!(at(next)->size & IS_FREE) || !is_enough)
            return false;
        free_count -= size_of(next);
        take_out(next, class_of(size_of(next)));
        absorb(block, next);
        mark_used(block);
    }
    if (has_rest(block, wanted)) {
        uint32_t rest = split(block, wanted);
        free_count += size_of(rest);
        insert(merge_with_next(rest));
    }
    return true;
}

static inline uint32_t heap_free_bytes(void)
{
    return free_count;
}

#define HEAP tlsf
#define HAS_RESIZE
#include "replay_loop.h"
