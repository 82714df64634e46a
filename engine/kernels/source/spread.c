/* Steps along axes and steps along axes and diagonals alternate, so that fronts are octagons.
 *
 * It is looked at from the pixels that wait, at first, for the fronts are anywhere, and as long as few are waiting;
 * later from the fronts (the two ways of Beamer, Asanović and Patterson 2012).
 */
#include "spread.h"

enum { CLOSED, FREE, REACHED };

/* Pixels ahead of which the memory is asked for what lies above and below them. */
enum { AHEAD = 24 };

/* Pixels that wait, per pixel of the front, below which the pixels that wait are looked at. */
#define FEW_PER_FRONT 4

static bool takes_larger(int64_t at, const Spreading *how) {
    return !how->by_turns || (at / how->width + at % how->width) % 2 == 0;
}

/* The label that a waiting pixel takes from so many neighbours; 0 where there is none. */
static inline int32_t label_beside(const int32_t *labels, int64_t at, const int64_t *offsets, int neighbours,
                                   const Spreading *how) {
    int32_t largest = 0;
    /* One less than a label as an unsigned number: no label is then larger than any. */
    uint32_t least = UINT32_MAX;
    for (int nth = 0; nth < neighbours; nth++) {
        const int32_t label = labels[at + offsets[nth]];
        const uint32_t less = (uint32_t)label - 1;
        largest = label > largest ? label : largest;
        least = less < least ? less : least;
    }
    if (largest > 0 && least + 1 != (uint32_t)largest && !takes_larger(at, how)) {
        return (int32_t)(least + 1);
    }
    return largest;
}

int64_t spread(int32_t *labels, int32_t *waiting, int64_t count, Spreading how, Room room) {
    const int64_t width = how.width;
    const int64_t offsets[8] = {-width, -1, 1, width, -width - 1, 1 - width, width - 1, width + 1};
    int32_t *queue = take(&room, count, sizeof *queue);
    int32_t *chosen = take(&room, count, sizeof *chosen);
    uint8_t *state = take(&room, how.size, sizeof *state);
    if (queue == NULL || chosen == NULL || state == NULL) {
        return NO_ROOM;
    }
    /* Reached in the step before the last: from `before`; in the last: from `last`, to `reached`. */
    int64_t before = 0, last = 0, reached = 0;
    int step = 0, idle = 0;
    while (step < how.steps && idle < how.idle_steps && (step < 2 || count < FEW_PER_FRONT * (reached - last))) {
        step++;
        const int neighbours = step % 2 ? 4 : 8;
        for (int64_t nth = 0; nth < count; nth++) {
            const int32_t *ahead = labels + waiting[least_of(nth + AHEAD, count - 1)];
            __builtin_prefetch(ahead - width);
            __builtin_prefetch(ahead + width);
            chosen[nth] = neighbours == 4 ? label_beside(labels, waiting[nth], offsets, 4, &how)
                                          : label_beside(labels, waiting[nth], offsets, 8, &how);
        }
        before = last;
        last = reached;
        int64_t still = 0;
        for (int64_t nth = 0; nth < count; nth++) {
            const int32_t at = waiting[nth];
            const bool is_reached = chosen[nth] != 0;
            labels[at] = chosen[nth];
            queue[reached] = at;
            reached += is_reached;
            waiting[still] = at;
            still += !is_reached;
        }
        count = still;
        idle = reached > last ? 0 : idle + 1;
    }
    if (count == 0 || step >= how.steps || idle >= how.idle_steps) {
        return 0;
    }
    memset(state, CLOSED, (size_t)how.size);
    for (int64_t nth = 0; nth < count; nth++) {
        state[waiting[nth]] = FREE;
    }
    while (step < how.steps && idle < how.idle_steps) {
        step++;
        const bool diagonal = step % 2 == 0;
        /* A pixel is reached from what the last step reached; across a corner, from the step before that, too. */
        const int64_t first = diagonal ? before : last, end = reached;
        for (int64_t nth = first; nth < end; nth++) {
            const int64_t at = queue[nth];
            const int32_t label = labels[at];
            for (int way = 0; way < (diagonal ? 8 : 4); way++) {
                const int64_t beside = at + offsets[way];
                if (state[beside] == FREE) {
                    state[beside] = REACHED;
                    labels[beside] = label;
                    queue[reached++] = (int32_t)beside;
                } else if (state[beside] == REACHED && labels[beside] != label &&
                           (label > labels[beside]) == takes_larger(beside, &how)) {
                    labels[beside] = label;
                }
            }
        }
        before = last;
        last = end;
        for (int64_t nth = last; nth < reached; nth++) {
            state[queue[nth]] = CLOSED;
        }
        idle = reached > last ? 0 : idle + 1;
    }
    return 0;
}
