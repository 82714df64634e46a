/* Union-find over runs: the parent of a run comes before it, and the first run of a part is its own. */
#ifndef JOINING_H
#define JOINING_H

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

#endif
