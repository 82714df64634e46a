/* Leaks in contact lines: where the line between two crystals is seen, but not all along. */
#ifndef LEAKS_H
#define LEAKS_H

#include "kinds.h"
#include "spread.h"

enum { SCALES = 5 };

/* Stretches of the pixels that are deeper than a scale's necks, in an image of half the size; by part of the core. */
typedef struct {
    int64_t count;
    int32_t *starts;     /* flat position of each stretch's first pixel */
    int32_t *stops;      /* after its last */
    int32_t *pieces;     /* the piece that it belongs to: the first stretch of that; connected by sides */
    int32_t *rows;       /* its row */
    uint8_t *is_body;    /* of a first stretch: whether its piece is as deep as a body */
    int32_t *numbers;    /* of a first stretch: the marker that its piece gives, once there is one */
    int32_t *of_part;    /* its stretches, part by part, in order */
    int32_t *part_begin; /* where each part's begin in `of_part`; one more than there are parts */
    int32_t *bodies;     /* bodies of each part */
} Scale;

/* Parts of the core (8-connected), in an image of half the size. */
typedef struct {
    int64_t count;                        /* one more than there are: part 0 is what is not core */
    int32_t *of_HW;                       /* part of each pixel */
    int32_t *top, *bottom, *left, *right; /* first and last (exclusive) row and column of each */
    int64_t *pixels;
} CoreParts;

/* One part's box. */
typedef struct {
    int64_t top, bottom, left, right;
} Box;

int64_t find_core_parts(const uint8_t *half, int64_t height, int64_t width, CoreParts *parts, Room *room);

/* `levels` and `depths`: how many scales' necks each pixel is deeper than, and of how many scales a body's middle it
 * may be; `inside` is room for a plane. */
int64_t find_scale(const uint8_t *levels, const uint8_t *depths, uint8_t level, int64_t height, int64_t width,
                   const CoreParts *parts, uint8_t *inside, Scale *scale, Room *room);

/* Give every body of a part a marker of its own, grown as far as it goes without passing necks, by at most so many
 * `steps` from one scale to the next; how many there are.
 * `markers`, all 0 before, is the image of the part's box in a frame of one pixel. Needs `room_to_mark`. */
int32_t mark_bodies(int32_t part, Box box, int64_t width, const Scale *scales, int steps, int32_t *markers, Room room);

/* For an image of so many pixels. */
static inline int64_t room_to_mark(int64_t size) {
    return (int64_t)sizeof(int32_t) * size + 64 + GAP + room_to_spread(size, size);
}

#endif
