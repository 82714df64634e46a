/* What all kernels share: positions, room to work in, and how results are returned.
 *
 * Conventions: images are rows of `width` pixels without gaps; `restrict` arrays do not overlap; a function that
 * can run out of room returns NO_ROOM and is called again, from the start, with more: its inputs, also those that it
 * changes in place, are then as they were; its results may be begun. Nothing here keeps state, so that calls on
 * different arrays may run side by side.
 */
#ifndef KERNELS_H
#define KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(_WIN32)
#define EXPORT __declspec(dllexport)
#else
#define EXPORT __attribute__((visibility("default")))
#endif

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "pixels are looked at eight bytes at a time, the first of them lowest: a little-endian processor is needed"
#endif

enum { NO_ROOM = -1, BAD_LABEL = -2, MANY_PAIRS = -3 };

/* Memory of the caller's that is handed out piece by piece. Where addresses are checked (-fsanitize=address), what has
 * not been handed out must not be touched, and a gap is left between two pieces. */
typedef struct {
    unsigned char *next;
    unsigned char *end;
} Room;

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
enum { GAP = 64 };
#define FORBID(at, size) ASAN_POISON_MEMORY_REGION(at, (size_t)(size))
#define ALLOW(at, size) ASAN_UNPOISON_MEMORY_REGION(at, (size_t)(size))
#else
enum { GAP = 0 };
#define FORBID(at, size) ((void)(at), (void)(size))
#define ALLOW(at, size) ((void)(at), (void)(size))
#endif

static inline Room open_room(unsigned char *begin, int64_t bytes) {
    FORBID(begin, bytes);
    return (Room){begin, begin + bytes};
}

/* So many elements of so many bytes, aligned to 64 bytes, not cleared; NULL where the room does not suffice. */
static inline void *take(Room *room, int64_t count, int64_t size) {
    const int64_t skipped = (int64_t)((64 - ((uintptr_t)room->next & 63)) & 63) + GAP;
    const int64_t left = room->end - room->next - skipped;
    if (count < 0 || left < 0 || count > left / size) {
        return NULL;
    }
    unsigned char *taken = room->next + skipped;
    room->next = taken + count * size;
    ALLOW(taken, count * size);
    return taken;
}

/* All that is left, as elements of so many bytes; how many go into `count`. */
static inline void *take_all(Room *room, int64_t size, int64_t *count) {
    const int64_t left = room->end - room->next - 64 - GAP;
    *count = left > 0 ? left / size : 0;
    return take(room, *count, size);
}

/* Give back what was taken last, from `from` on. */
static inline void give_back(Room *room, void *from) {
    FORBID(from, room->next - (unsigned char *)from);
    room->next = from;
}

static inline uint64_t eight_bytes(const void *at) {
    uint64_t value;
    memcpy(&value, at, sizeof value);
    return value;
}

/* Fill from `start` to before `stop`, eight at a time, and up to seven beyond, but not beyond `size`: for stretches
 * that are filled one after the other, most of them short. */
static inline void fill_on(int32_t *image, int64_t start, int64_t stop, int64_t size, int32_t value) {
    int64_t at = start;
    for (; at < stop && at + 8 <= size; at += 8) {
        for (int64_t nth = 0; nth < 8; nth++) {
            image[at + nth] = value;
        }
    }
    for (; at < stop; at++) {
        image[at] = value;
    }
}

/* Sum of so many numbers, in four strands that do not wait for one another. */
static inline double sum_of(const float *values, int64_t count) {
    double sums[4] = {0, 0, 0, 0};
    int64_t nth = 0;
    for (; nth + 4 <= count; nth += 4) {
        for (int strand = 0; strand < 4; strand++) {
            sums[strand] += (double)values[nth + strand];
        }
    }
    for (; nth < count; nth++) {
        sums[0] += (double)values[nth];
    }
    return sums[0] + sums[1] + (sums[2] + sums[3]);
}

static inline int64_t least_of(int64_t one, int64_t other) { return one < other ? one : other; }
static inline int64_t largest_of(int64_t one, int64_t other) { return one > other ? one : other; }

#endif
