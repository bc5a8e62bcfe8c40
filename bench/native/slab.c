/* SPDX-License-Identifier: MIT
 *
 * Objects of 16, 32, 64 and 128 bytes side by side in slabs of 512, which come
 * from a buddy heap, as all larger requests do. Of a slab the lowest free object
 * is taken, of slabs the one that became partial last. Empty slabs are kept until
 * the buddy heap refuses something. A directory at the heap's end has a word for
 * each 512 bytes, which leads from an object to its slab.
 */
#include "buddy.h"

enum { SLAB = 512, CLASSES = 4, SMALLEST_CLASS = 16, LARGEST_CLASS = 128 };

struct slab {
    uint32_t next, previous; /* in a list of its class; 0 at the ends */
    uint32_t class, used;
    uint32_t free_map[];
};

enum list { PARTIAL, FULL, EMPTY };

static struct {
    uint32_t object_bytes, objects, first_object;
    uint32_t lists[3];
} classes[CLASSES];
static uint32_t *directory;
static uint32_t entries, slab_free_bytes;

static inline struct slab *slab_at(uint32_t link)
{
    return (struct slab *)(memory + link);
}

static bool heap_init(uint32_t bytes, uint32_t alignment)
{
    entries = (bytes + SLAB - 1) / SLAB;
    uint32_t rest = (bytes & ~3u) - 4 * entries;
    if (bytes < SLAB || !buddy_init(rest, alignment))
        return false;
    directory = (uint32_t *)(arena + rest);
    for (uint32_t entry = 0; entry < entries; entry++)
        directory[entry] = 0;
    slab_free_bytes = 0;
    for (uint32_t class = 0; class < CLASSES; class++) {
        uint32_t object = round_up((uint32_t)SMALLEST_CLASS << class, alignment), objects = SLAB / object, first;
        for (;; objects--) {
            first = round_up((uint32_t)sizeof(struct slab) + 4 * ((objects + 31) / 32), alignment);
            if (first + objects * object <= SLAB)
                break;
        }
        classes[class] = (__typeof__(classes[0])){object, objects, first, {0, 0, 0}};
    }
    return true;
}

static inline void put_in_list(uint32_t slab, uint32_t *head)
{
    slab_at(slab)->next = *head;
    slab_at(slab)->previous = 0;
    if (*head != 0)
        slab_at(*head)->previous = slab;
    *head = slab;
}

static inline void take_out_of_list(uint32_t slab, uint32_t *head)
{
    uint32_t next = slab_at(slab)->next, previous = slab_at(slab)->previous;
    if (previous == 0)
        *head = next;
    else
        slab_at(previous)->next = next;
    if (next != 0)
        slab_at(next)->previous = previous;
}

/* Gives all empty slabs back; whether there were any. */
static bool give_back_slabs(void)
{
    bool any = false;
    for (uint32_t class = 0; class < CLASSES; class++) {
        uint32_t slab = classes[class].lists[EMPTY];
        classes[class].lists[EMPTY] = 0;
        while (slab != 0) {
            uint32_t next = slab_at(slab)->next;
            directory[(slab - BASE) / SLAB] = 0;
            buddy_free(memory + slab);
            slab_free_bytes -= classes[class].objects * classes[class].object_bytes;
            slab = next;
            any = true;
        }
    }
    return any;
}

static inline void *ask_buddy(uint32_t request)
{
    void *payload = buddy_malloc(request);
    return payload != NULL || !give_back_slabs() ? payload : buddy_malloc(request);
}

/* Another slab, or 0. */
static uint32_t grow(uint32_t class)
{
    uint8_t *payload = ask_buddy(SLAB);
    if (payload == NULL)
        return 0;
    uint32_t slab = (uint32_t)(payload - memory), objects = classes[class].objects;
    slab_at(slab)->class = class;
    slab_at(slab)->used = 0;
    for (uint32_t first = 0; first < objects; first += 32)
        slab_at(slab)->free_map[first / 32] = objects - first >= 32 ? ~0u : (1u << (objects - first)) - 1;
    directory[(slab - BASE) / SLAB] = slab;
    put_in_list(slab, &classes[class].lists[EMPTY]);
    slab_free_bytes += objects * classes[class].object_bytes;
    return slab;
}

static inline void *heap_malloc(uint32_t request)
{
    if (request == 0)
        return NULL;
    if (request > LARGEST_CLASS)
        return ask_buddy(request);
    uint32_t class = request <= SMALLEST_CLASS ? 0 : log2_of((request - 1) / SMALLEST_CLASS) + 1;
    enum list from = classes[class].lists[PARTIAL] != 0 ? PARTIAL : EMPTY;
    uint32_t slab = classes[class].lists[from];
    if (slab == 0 && (slab = grow(class)) == 0)
        return NULL;

    uint32_t word = 0;
    while (slab_at(slab)->free_map[word] == 0)
        word++;
    uint32_t *map = &slab_at(slab)->free_map[word], index = 32 * word + (uint32_t)__builtin_ctz(*map);
    *map &= *map - 1;
    enum list to = ++slab_at(slab)->used == classes[class].objects ? FULL : PARTIAL;
    slab_free_bytes -= classes[class].object_bytes;
    if (to != from) {
        take_out_of_list(slab, &classes[class].lists[from]);
        put_in_list(slab, &classes[class].lists[to]);
    }
    return memory + slab + classes[class].first_object + index * classes[class].object_bytes;
}

/* The slab that an object lies in, or 0. */
static inline uint32_t slab_of(uint32_t object)
{
    uint32_t entry = (object - BASE) / SLAB, own = directory[entry];
    if (own != 0 && own <= object)
        return own;
    uint32_t below = entry == 0 ? 0 : directory[entry - 1];
    return below != 0 && object - below < SLAB ? below : 0;
}

static inline void heap_free(void *payload)
{
    if (payload == NULL)
        return;
    uint32_t object = (uint32_t)((uint8_t *)payload - memory), slab = slab_of(object);
    if (slab == 0) {
        buddy_free(payload);
        return;
    }
    uint32_t class = slab_at(slab)->class, offset = object - slab - classes[class].first_object;
    uint32_t index = offset / classes[class].object_bytes, *map = &slab_at(slab)->free_map[index / 32];
    if (offset % classes[class].object_bytes != 0 || index >= classes[class].objects || *map >> index % 32 & 1)
        __builtin_trap();
    *map |= 1u << index % 32;
    slab_free_bytes += classes[class].object_bytes;
    uint32_t used = --slab_at(slab)->used;
    bool was_full = used + 1 == classes[class].objects;
    if (was_full || used == 0) {
        take_out_of_list(slab, &classes[class].lists[was_full ? FULL : PARTIAL]);
        put_in_list(slab, &classes[class].lists[used == 0 ? EMPTY : PARTIAL]);
    }
}

static inline uint32_t heap_free_bytes(void)
{
    return buddy_free_bytes() + slab_free_bytes;
}

#define HEAP slab
#include "replay_loop.h"
