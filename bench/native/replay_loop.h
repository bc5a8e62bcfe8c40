/* SPDX-License-Identifier: MIT
 *
 * The replay loop, compiled once into each heap's file, so that it calls that
 * heap's functions directly (and the compiler may inline them). To be included
 * at the end of a heap_*.c, with HEAP defined as the heap's name, and HAS_RESIZE
 * if there is a heap_resize, which makes a block larger or smaller where it stands.
 *
 * This file has no include guard: it is code, not an interface.
 */
#include <string.h>

/* `answers` is a constant (NULL or not) in both callers, and the tests for it vanish. */
__attribute__((always_inline)) static inline void
run(const struct operation *operations, size_t count, struct slot *slots, struct answer *answers)
{
    for (size_t index = 0; index < count; index++) {
        const struct operation *operation = &operations[index];
        struct slot *slot = &slots[operation->id];
        uint32_t size = operation->a;
        uint8_t *shown = NULL; /* the payload that the answer names */
        bool held = true;

        switch (operation->kind) {
        case 'a':
            slot->payload = shown = heap_malloc(size);
            slot->size = size;
            break;
        case 'f':
            held = slot->payload != NULL;
            shown = slot->payload;
            heap_free(slot->payload);
            slot->payload = NULL;
            break;
        case 'r':
            held = slot->payload != NULL;
            if (!held)
                break;
            if (size == 0) {
                heap_free(slot->payload);
                slot->payload = NULL;
                break;
            }
#ifdef HAS_RESIZE
            if (heap_resize(slot->payload, size)) {
                shown = slot->payload;
                slot->size = size;
                break;
            }
#endif
            shown = heap_malloc(size);
            if (shown == NULL) /* the old block stays */
                break;
            memcpy(shown, slot->payload, size < slot->size ? size : slot->size);
            heap_free(slot->payload);
            slot->payload = shown;
            slot->size = size;
            break;
        case 'c':
            if (operation->b != 0 && operation->a > UINT32_MAX / operation->b) {
                slot->payload = NULL; /* the heap does not hear of a product that overflows */
                break;
            }
            size = operation->a * operation->b;
            slot->payload = shown = heap_malloc(size);
            slot->size = size;
            if (shown != NULL)
                memset(shown, 0, size);
            break;
        }

        if (answers != NULL) {
            answers[index].offset = !held ? NOTHING_HELD : shown == NULL ? NO_PAYLOAD : shown - arena;
            answers[index].free_bytes = heap_free_bytes();
        }
    }
}

static void replay(const struct operation *operations, size_t count, struct slot *slots)
{
    run(operations, count, slots, NULL);
}

static void answer(const struct operation *operations, size_t count, struct slot *slots,
                   struct answer *answers)
{
    run(operations, count, slots, answers);
}

#define HEAP_TEXT(name) #name
#define HEAP_NAME(name) HEAP_TEXT(name)

const struct heap HEAP = {
    .name = HEAP_NAME(HEAP),
    .init = heap_init,
    .malloc = heap_malloc,
    .free = heap_free,
    .free_bytes = heap_free_bytes,
    .replay = replay,
    .answer = answer,
};
