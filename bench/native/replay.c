/* SPDX-License-Identifier: MIT
 *
 * replay <heap> <heap size in bytes> <alignment> <trace file> [--ops | --repeat N]
 *
 * Replays a trace (uncompressed text, an operation a line: `a id size`, `f id`,
 * `r id size`, `c id number size`; lines that are empty or begin with # are
 * skipped) on one of the heaps, and prints every answer or the time it took.
 */
#define _POSIX_C_SOURCE 200809L

#include "heap.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Ids are indices into an array; this only keeps a mistaken trace from exhausting the memory. */
#define ID_MAX (1u << 24)

static const struct heap *const heaps[] = {
    &heap_1,    &heap_2,   &heap_2_coalescing, &heap_3, &heap_4, &heap_5, &first_fit, &next_fit,
    &best_fit,  &worst_fit, &buddy,            &slab,   &tlsf,   &o1heap, &dlmalloc,  &newlib_nano};
#define HEAPS (sizeof heaps / sizeof heaps[0])

struct trace {
    struct operation *operations;
    size_t count;
    size_t ids; /* the largest id, plus one */
};

_Noreturn static void fail(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("replay: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    exit(1);
}

_Noreturn static void usage(void)
{
    fputs("usage: replay <heap> <heap size in bytes> <alignment> <trace file> [--ops | --repeat N]\n"
          "heaps:",
          stderr);
    for (size_t i = 0; i < HEAPS; i++)
        fprintf(stderr, " %s", heaps[i]->name);
    fputc('\n', stderr);
    exit(2);
}

static void *checked(void *memory)
{
    if (memory == NULL)
        fail("out of memory");
    return memory;
}

/* Reads a decimal number of 32 bits and moves on behind it. */
static bool read_number(char **text, uint32_t *number)
{
    char *from = *text;
    while (*from == ' ' || *from == '\t')
        from++;
    if (*from < '0' || *from > '9')
        return false;
    errno = 0;
    unsigned long long value = strtoull(from, text, 10);
    if (errno != 0 || value > UINT32_MAX)
        return false;
    *number = (uint32_t)value;
    return true;
}

static uint32_t number_argument(char *text)
{
    uint32_t number;
    if (!read_number(&text, &number) || *text != '\0')
        usage();
    return number;
}

static bool read_operation(char *line, struct operation *operation)
{
    char kind = line[0];
    char *text = line + 1;

    *operation = (struct operation){.kind = (unsigned char)kind};
    if (kind == '\0' || strchr("afrc", kind) == NULL)
        return false;
    if (!read_number(&text, &operation->id) || operation->id >= ID_MAX)
        return false;
    if (kind != 'f' && !read_number(&text, &operation->a))
        return false;
    if (kind == 'c' && !read_number(&text, &operation->b))
        return false;
    return text[strspn(text, " \t\r\n")] == '\0';
}

static struct trace read_trace(const char *path)
{
    FILE *file = fopen(path, "r");
    if (file == NULL)
        fail("%s: %s", path, strerror(errno));

    struct trace trace = {0};
    size_t room = 0, length = 0;
    char *line = NULL;
    for (size_t number = 1; getline(&line, &length, file) != -1; number++) {
        if (line[0] == '#' || line[strspn(line, " \t\r\n")] == '\0')
            continue;
        if (trace.count == room) {
            room = room ? 2 * room : 4096;
            trace.operations = checked(realloc(trace.operations, room * sizeof *trace.operations));
        }
        struct operation *operation = &trace.operations[trace.count++];
        if (!read_operation(line, operation))
            fail("%s:%zu: not an operation", path, number);
        if (operation->id >= trace.ids)
            trace.ids = (size_t)operation->id + 1;
    }
    if (ferror(file))
        fail("%s: cannot be read", path);
    free(line);
    fclose(file);
    if (trace.count == 0)
        fail("%s: no operations", path);
    return trace;
}

static void init(const struct heap *heap, uint32_t bytes, uint32_t alignment)
{
    if (!heap->init(bytes, alignment))
        fail("%s takes 64 to %u bytes and an alignment of 4, 8 or 16", heap->name, HEAP_MAX);
}

static void print_answers(const struct heap *heap, const struct trace *trace, struct slot *slots)
{
    struct answer *answers = checked(malloc(trace->count * sizeof *answers));

    heap->answer(trace->operations, trace->count, slots, answers);
    for (size_t i = 0; i < trace->count; i++) {
        if (answers[i].offset == NOTHING_HELD)
            printf("%zu -\n", i);
        else
            printf("%zu %" PRId64 " %" PRIu32 "\n", i, answers[i].offset, answers[i].free_bytes);
    }
    free(answers);
}

static double nanoseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static int by_value(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

static void print_times(const struct heap *heap, uint32_t bytes, uint32_t alignment,
                        const struct trace *trace, struct slot *slots, uint32_t repeats)
{
    double *times = checked(malloc(repeats * sizeof *times));
    uint32_t left = 0;

    for (uint32_t i = 0; i < repeats; i++) {
        init(heap, bytes, alignment);
        memset(slots, 0, trace->ids * sizeof *slots);
        double start = nanoseconds();
        heap->replay(trace->operations, trace->count, slots);
        times[i] = (nanoseconds() - start) / (double)trace->count;
        if (i > 0 && heap->free_bytes() != left)
            fail("%s: a repeat ended differently from the one before", heap->name);
        left = heap->free_bytes();
    }
    qsort(times, repeats, sizeof *times, by_value);
    printf("{\"heap\":\"%s\",\"operations\":%zu,\"repeats\":%" PRIu32
           ",\"nsPerOperation\":%.3f,\"medianNsPerOperation\":%.3f}\n",
           heap->name, trace->count, repeats, times[0],
           (times[(repeats - 1) / 2] + times[repeats / 2]) / 2);
    free(times);
}

int main(int argc, char **argv)
{
    bool ops = argc == 6 && strcmp(argv[5], "--ops") == 0;
    bool repeat = argc == 7 && strcmp(argv[5], "--repeat") == 0;
    if (argc != 5 && !ops && !repeat)
        usage();

    const struct heap *heap = NULL;
    for (size_t i = 0; i < HEAPS; i++)
        if (strcmp(heaps[i]->name, argv[1]) == 0)
            heap = heaps[i];
    uint32_t repeats = repeat ? number_argument(argv[6]) : 1;
    if (heap == NULL || repeats == 0)
        usage();
    uint32_t bytes = number_argument(argv[2]), alignment = number_argument(argv[3]);

    init(heap, bytes, alignment);
    struct trace trace = read_trace(argv[4]);
    struct slot *slots = checked(calloc(trace.ids, sizeof *slots));
    if (ops)
        print_answers(heap, &trace, slots);
    else
        print_times(heap, bytes, alignment, &trace, slots, repeats);
    free(slots);
    free(trace.operations);
    return fflush(stdout) == 0 ? 0 : 1;
}
