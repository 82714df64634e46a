/* Union-find over runs: the parent of a run comes before it, and the first run of a part is its own. And the walk that
 * finds what to join, row by row. */
#ifndef JOINING_H
#define JOINING_H

#include <stdbool.h>
#include <stdint.h>

static inline int32_t first_of(int32_t *parent, int32_t run) {
    while (parent[run] != run) {
        parent[run] = parent[parent[run]];
        run = parent[run];
    }
    return run;
}

static inline void join(int32_t *parent, int32_t one, int32_t other) {
    one = first_of(parent, one);
    other = first_of(parent, other);
    if (one < other) {
        parent[other] = one;
    } else {
        parent[one] = other;
    }
}

/* By how much runs of neighbouring rows may miss each other and still meet. */
enum { BY_SIDES = 0, BY_CORNERS = 1 };

/* The runs of the row before, from left to right, while those of a row are passed in the same order. */
typedef struct {
    const int32_t *starts, *stops; /* flat positions: first pixel, and after the last */
    int32_t width;                 /* of the image, px */
    int32_t reach;                 /* BY_SIDES or BY_CORNERS */
    int32_t next, end;             /* the first that may still meet one of the row; after the last */
} Above;

/* Pass over what ends before a run starts, and meets none that comes later either. */
static inline void pass_before(Above *above, int32_t start) {
    while (above->next < above->end && above->stops[above->next] + above->width + above->reach <= start) {
        above->next++;
    }
}

/* Whether a run, from `next` on, is one that meets the run that ends before `stop`; what comes after the first that does
 * not meets it neither. */
static inline bool meets(const Above *above, int32_t other, int32_t stop) {
    return other < above->end && above->starts[other] + above->width < stop + above->reach;
}

#endif
