/* SPDX-License-Identifier: MIT
 *
 * dlmalloc: best fit from exact small bins and bitwise tries, with a designated
 * victim and top. The same algorithm as src/heaps/dlmalloc, whose head comment
 * says more, with the checks that it makes by default; written from what is
 * known of the design, without any of its source.
 */
#include <string.h>

#include "heap.h"

enum {
    LEAST_CHUNK = 16,
    LARGE = 256,
    TOP_FOOT = 40,
    BEFORE_IN_USE = 1,
    IN_USE = 2,
    BOTH = 3,
    FLAGS = 7,
};

/* Links lead to chunks; those of small bins to a pseudo chunk of which only the links are there. */
struct chunk {
    uint32_t foot, head;
    uint32_t forward, back;                 /* of a hole */
    uint32_t child[2], parent, index;       /* of one in a tree bin */
};

static struct {
    uint32_t small_map, tree_map, victim_size, top_size, victim, top, first;
    uint32_t trees[32];
    uint32_t free_count;
} state;

/* Behind link 0 lie the ends of the small bins, 8 bytes apart, then the arena. */
enum { BINS = 16, BASE = 512 };
static _Alignas(32) uint8_t memory[BASE + HEAP_MAX];
static uint8_t *const arena = memory + BASE;

static inline struct chunk *at(uint32_t link)
{
    return (struct chunk *)(memory + link);
}

static inline uint32_t size_of(uint32_t chunk)
{
    return at(chunk)->head & ~(uint32_t)FLAGS;
}

static inline bool is_possible(uint32_t chunk)
{
    return chunk >= state.first;
}

static inline void expect(bool statement)
{
    if (__builtin_expect(!statement, 0))
        __builtin_trap();
}

/* --- small bins --- */

static inline uint32_t bin_of(uint32_t size)
{
    return BINS + size;
}

static inline void insert_small(uint32_t chunk, uint32_t size)
{
    uint32_t bin = bin_of(size), first = bin, bit = 1u << (size >> 3);
    if (!(state.small_map & bit)) {
        state.small_map |= bit;
    } else {
        first = at(bin)->forward;
        expect(is_possible(first));
    }
    at(bin)->forward = chunk;
    at(first)->back = chunk;
    at(chunk)->forward = first;
    at(chunk)->back = bin;
}

static inline uint32_t take_first_small(uint32_t size)
{
    uint32_t bin = bin_of(size), chunk = at(bin)->forward, next = at(chunk)->forward;
    if (next == bin) {
        state.small_map &= ~(1u << (size >> 3));
    } else {
        expect(is_possible(next) && at(next)->back == chunk);
        at(next)->back = bin;
        at(bin)->forward = next;
    }
    return chunk;
}

static inline void unlink_small(uint32_t chunk, uint32_t size)
{
    uint32_t next = at(chunk)->forward, previous = at(chunk)->back, bin = bin_of(size);
    expect(next == bin || (is_possible(next) && at(next)->back == chunk));
    if (next == previous) {
        state.small_map &= ~(1u << (size >> 3));
        return;
    }
    expect(previous == bin || (is_possible(previous) && at(previous)->forward == chunk));
    at(next)->back = previous;
    at(previous)->forward = next;
}

/* --- tree bins --- */

static inline uint32_t tree_index(uint32_t size)
{
    uint32_t upper = size >> 8;
    if (upper == 0)
        return 0;
    if (upper > 0xffff)
        return 31;
    uint32_t exponent = 31 - (uint32_t)__builtin_clz(upper);
    return 2 * exponent + ((size >> (exponent + 7)) & 1);
}

static inline uint32_t tree_shift(uint32_t index)
{
    return index == 31 ? 0 : 25 - (index >> 1);
}

static void hang(uint32_t chunk, uint32_t parent)
{
    at(chunk)->parent = parent;
    at(chunk)->forward = at(chunk)->back = chunk;
}

/* A root's parent is the number of its bin, plus one: no chunk lies there. */
static void insert_large(uint32_t chunk, uint32_t size)
{
    uint32_t index = tree_index(size);
    at(chunk)->index = index;
    at(chunk)->child[0] = at(chunk)->child[1] = 0;
    if (!(state.tree_map & 1u << index)) {
        state.tree_map |= 1u << index;
        state.trees[index] = chunk;
        hang(chunk, index + 1);
        return;
    }
    uint32_t node = state.trees[index];
    for (uint32_t bits = size << tree_shift(index); size_of(node) != size; bits <<= 1) {
        uint32_t *link = &at(node)->child[bits >> 31];
        if (*link == 0) {
            *link = chunk;
            hang(chunk, node);
            return;
        }
        node = *link;
    }
    uint32_t next = at(node)->forward;
    expect(is_possible(node) && is_possible(next));
    at(node)->forward = at(next)->back = chunk;
    at(chunk)->forward = next;
    at(chunk)->back = node;
    at(chunk)->parent = 0;
}

static inline uint32_t *link_down(uint32_t node)
{
    struct chunk *here = at(node);
    return here->child[1] != 0 ? &here->child[1] : here->child[0] != 0 ? &here->child[0] : NULL;
}

static uint32_t leave_ring(uint32_t chunk)
{
    uint32_t previous = at(chunk)->back;
    if (previous != chunk) {
        uint32_t next = at(chunk)->forward;
        expect(is_possible(next) && at(next)->back == chunk && at(previous)->forward == chunk);
        at(next)->back = previous;
        at(previous)->forward = next;
        return previous;
    }
    uint32_t *link = link_down(chunk);
    if (link == NULL)
        return 0;
    for (uint32_t *below = link_down(*link); below != NULL; below = link_down(*link))
        link = below;
    uint32_t leaf = *link;
    *link = 0;
    return leaf;
}

static void unlink_large(uint32_t chunk)
{
    uint32_t parent = at(chunk)->parent, index = at(chunk)->index, heir = leave_ring(chunk);
    if (parent == 0)
        return;
    if (state.trees[index] == chunk) {
        state.trees[index] = heir;
        if (heir == 0)
            state.tree_map &= ~(1u << index);
    } else {
        expect(is_possible(parent));
        at(parent)->child[at(parent)->child[0] != chunk] = heir;
    }
    if (heir == 0)
        return;
    expect(is_possible(heir));
    at(heir)->parent = parent;
    for (int side = 0; side < 2; side++) {
        uint32_t child = at(chunk)->child[side];
        if (child == 0)
            continue;
        expect(is_possible(child));
        at(heir)->child[side] = child;
        at(child)->parent = heir;
    }
}

/* The smallest from `node` down that has `wanted` bytes, or `best` if that is as good. */
static uint32_t smallest_below(uint32_t node, uint32_t wanted, uint32_t best)
{
    uint32_t best_size = best == 0 ? UINT32_MAX : size_of(best);
    while (node != 0) {
        uint32_t size = size_of(node);
        if (size >= wanted && size < best_size) {
            best = node;
            best_size = size;
        }
        node = at(node)->child[0] != 0 ? at(node)->child[0] : at(node)->child[1];
    }
    return best;
}

static uint32_t best_large(uint32_t wanted)
{
    uint32_t index = tree_index(wanted), best = 0, best_size = UINT32_MAX, larger = 0;
    uint32_t bits = wanted << tree_shift(index);
    for (uint32_t node = state.trees[index]; node != 0; bits <<= 1) {
        uint32_t size = size_of(node), right = at(node)->child[1];
        if (size >= wanted && size < best_size) {
            best = node;
            best_size = size;
            if (size == wanted)
                return best;
        }
        node = at(node)->child[bits >> 31];
        if (right != 0 && right != node)
            larger = right;
    }
    if (larger == 0 && best == 0) {
        uint32_t bins = state.tree_map & (~1u << index);
        if (bins == 0)
            return 0;
        larger = state.trees[__builtin_ctz(bins)];
    }
    return smallest_below(larger, wanted, best);
}

static inline void insert(uint32_t chunk, uint32_t size)
{
    if (size < LARGE)
        insert_small(chunk, size);
    else
        insert_large(chunk, size);
}

static inline void unlink_hole(uint32_t chunk, uint32_t size)
{
    if (size < LARGE)
        unlink_small(chunk, size);
    else
        unlink_large(chunk);
}

/* --- chunks --- */

static inline void mark_free(uint32_t chunk, uint32_t size)
{
    at(chunk)->head = size | BEFORE_IN_USE;
    at(chunk + size)->foot = size;
}

static inline void set_top(uint32_t chunk, uint32_t size)
{
    state.top = chunk;
    state.top_size = size;
    at(chunk)->head = size | BEFORE_IN_USE;
}

static inline void set_victim(uint32_t chunk, uint32_t size)
{
    state.victim = chunk;
    state.victim_size = size;
}

static inline uint32_t use_whole(uint32_t chunk, uint32_t size)
{
    at(chunk)->head = size | BOTH;
    at(chunk + size)->head |= BEFORE_IN_USE;
    state.free_count -= size;
    return chunk;
}

static inline uint32_t use_front(uint32_t chunk, uint32_t size, uint32_t wanted)
{
    at(chunk)->head = wanted | BOTH;
    mark_free(chunk + wanted, size - wanted);
    state.free_count -= wanted;
    return chunk;
}

static inline void replace_victim(uint32_t chunk, uint32_t size)
{
    if (state.victim_size != 0)
        insert_small(state.victim, state.victim_size);
    set_victim(chunk, size);
}

/* --- the heap --- */

static bool heap_init(uint32_t bytes, uint32_t alignment)
{
    if (!heap_arguments_ok(bytes, alignment) || bytes < TOP_FOOT + LEAST_CHUNK + 8)
        return false;
    uint32_t size = (bytes - TOP_FOOT) & ~(uint32_t)FLAGS;
    memset(&state, 0, sizeof state);
    state.first = BASE;
    for (uint32_t bin = bin_of(0); bin < bin_of(LARGE); bin += 8)
        at(bin)->forward = at(bin)->back = bin;
    set_top(BASE, size);
    at(BASE + size)->head = TOP_FOOT;
    state.free_count = size - 8;
    return true;
}

static inline uint32_t take_small(uint32_t wanted)
{
    uint32_t index = wanted >> 3, filled = state.small_map >> index;
    if (filled & 3) {
        uint32_t size = wanted + ((~filled & 1) << 3);
        return use_whole(take_first_small(size), size);
    }
    if (wanted <= state.victim_size)
        return 0;
    uint32_t chunk, size;
    if (filled != 0) {
        size = (index + (uint32_t)__builtin_ctz(filled)) << 3;
        chunk = take_first_small(size);
    } else if (state.tree_map != 0) {
        chunk = smallest_below(state.trees[__builtin_ctz(state.tree_map)], 0, 0);
        size = size_of(chunk);
        expect(is_possible(chunk));
        unlink_large(chunk);
    } else {
        return 0;
    }
    if (size - wanted < LEAST_CHUNK)
        return use_whole(chunk, size);
    use_front(chunk, size, wanted);
    replace_victim(chunk + wanted, size - wanted);
    return chunk;
}

static inline uint32_t take_large(uint32_t wanted)
{
    uint32_t chunk = state.tree_map == 0 ? 0 : best_large(wanted);
    if (chunk == 0)
        return 0;
    uint32_t size = size_of(chunk);
    if (state.victim_size >= wanted && size >= state.victim_size)
        return 0;
    expect(is_possible(chunk));
    unlink_large(chunk);
    if (size - wanted < LEAST_CHUNK)
        return use_whole(chunk, size);
    use_front(chunk, size, wanted);
    insert(chunk + wanted, size - wanted);
    return chunk;
}

static inline uint32_t take_victim_or_top(uint32_t wanted)
{
    if (wanted <= state.victim_size) {
        uint32_t chunk = state.victim, size = state.victim_size;
        if (size - wanted < LEAST_CHUNK) {
            set_victim(0, 0);
            return use_whole(chunk, size);
        }
        set_victim(chunk + wanted, size - wanted);
        return use_front(chunk, size, wanted);
    }
    if (wanted >= state.top_size)
        return 0;
    uint32_t chunk = state.top;
    set_top(chunk + wanted, state.top_size - wanted);
    at(chunk)->head = wanted | BOTH;
    state.free_count -= wanted;
    return chunk;
}

static inline uint32_t chunk_size(uint32_t request)
{
    return request <= LEAST_CHUNK - 4 ? LEAST_CHUNK : round_up(request + 4, 8);
}

static inline void *heap_malloc(uint32_t request)
{
    if (request > INT32_MAX - 15)
        return NULL;
    uint32_t wanted = chunk_size(request), chunk = wanted < LARGE ? take_small(wanted) : take_large(wanted);
    if (chunk == 0)
        chunk = take_victim_or_top(wanted);
    return chunk == 0 ? NULL : memory + chunk + 8;
}

/* Makes a chunk in use a hole, joined with those around it. */
static inline void release(uint32_t chunk)
{
    uint32_t head = at(chunk)->head, own = head & ~(uint32_t)FLAGS, size = own, next = chunk + own;
    state.free_count += own;
    if (!(head & BEFORE_IN_USE)) {
        uint32_t before = at(chunk)->foot;
        chunk -= before;
        size += before;
        expect(is_possible(chunk));
        if (chunk != state.victim) {
            unlink_hole(chunk, before);
        } else if ((at(next)->head & BOTH) == BOTH) {
            state.victim_size = size;
            at(next)->head &= ~(uint32_t)BEFORE_IN_USE;
            mark_free(chunk, size);
            return;
        }
    }
    uint32_t next_head = at(next)->head;
    expect(chunk < next && (next_head & BEFORE_IN_USE));
    if (next_head & IN_USE) {
        at(next)->head &= ~(uint32_t)BEFORE_IN_USE;
        mark_free(chunk, size);
    } else if (next == state.top) {
        set_top(chunk, size + state.top_size);
        if (chunk == state.victim)
            set_victim(0, 0);
        return;
    } else if (next == state.victim) {
        set_victim(chunk, size + state.victim_size);
        mark_free(chunk, state.victim_size);
        return;
    } else {
        uint32_t behind = next_head & ~(uint32_t)FLAGS;
        unlink_hole(next, behind);
        size += behind;
        mark_free(chunk, size);
        if (chunk == state.victim) {
            state.victim_size = size;
            return;
        }
    }
    insert(chunk, size);
}

static inline void heap_free(void *payload)
{
    if (payload == NULL)
        return;
    uint32_t chunk = (uint32_t)((uint8_t *)payload - memory) - 8, flags = at(chunk)->head & BOTH;
    expect(is_possible(chunk) && flags != BEFORE_IN_USE);
    if (flags != 0)
        release(chunk);
}

static inline void resize_used(uint32_t chunk, uint32_t size)
{
    at(chunk)->head = (at(chunk)->head & BEFORE_IN_USE) | size | IN_USE;
    at(chunk + size)->head |= BEFORE_IN_USE;
}

static inline bool shrink(uint32_t chunk, uint32_t size, uint32_t wanted)
{
    if (size - wanted < LEAST_CHUNK)
        return true;
    resize_used(chunk, wanted);
    at(chunk + wanted)->head = (size - wanted) | BOTH;
    release(chunk + wanted);
    return true;
}

static inline bool grow_into_victim(uint32_t chunk, uint32_t size, uint32_t wanted)
{
    uint32_t all = size + state.victim_size, rest = all - wanted;
    if (all < wanted)
        return false;
    if (rest < LEAST_CHUNK) {
        resize_used(chunk, all);
        state.free_count -= state.victim_size;
        set_victim(0, 0);
        return true;
    }
    resize_used(chunk, wanted);
    state.free_count -= wanted - size;
    set_victim(chunk + wanted, rest);
    mark_free(chunk + wanted, rest);
    return true;
}

static inline bool heap_resize(void *payload, uint32_t request)
{
    if (request > INT32_MAX - 15)
        return false;
    uint32_t wanted = chunk_size(request), chunk = (uint32_t)((uint8_t *)payload - memory) - 8;
    uint32_t size = size_of(chunk), next = chunk + size, next_head = at(next)->head;
    expect(is_possible(chunk) && (at(chunk)->head & IN_USE) && (next_head & BEFORE_IN_USE));
    if (size >= wanted)
        return shrink(chunk, size, wanted);
    if (next == state.top) {
        uint32_t all = size + state.top_size;
        if (all <= wanted)
            return false;
        resize_used(chunk, wanted);
        set_top(chunk + wanted, all - wanted);
        state.free_count -= wanted - size;
        return true;
    }
    if (next == state.victim)
        return grow_into_victim(chunk, size, wanted);
    uint32_t hole = next_head & ~(uint32_t)FLAGS;
    if ((next_head & IN_USE) || size + hole < wanted)
        return false;
    unlink_hole(next, hole);
    resize_used(chunk, size + hole);
    state.free_count -= hole;
    return shrink(chunk, size + hole, wanted);
}

static inline uint32_t heap_free_bytes(void)
{
    return state.free_count;
}

#define HEAP dlmalloc
#define HAS_RESIZE
#include "replay_loop.h"
