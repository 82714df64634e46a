/* Labels that spread over free pixels, all at the same speed: the one way in which bodies grow here. */
#ifndef SPREAD_H
#define SPREAD_H

#include "kernels.h"

enum { NO_LIMIT = 1 << 30 };

typedef struct {
    int64_t width;  /* of the flat image, px */
    int64_t size;   /* its pixels */
    int steps;      /* at most so many */
    int idle_steps; /* it ends after so many in a row: 1 leaves alone what hangs on by a corner only, 2 fills all */
    bool by_turns;  /* where two labels meet: the larger and the smaller as on a chessboard; else the larger */
} Spreading;

/* Bytes that `spread` takes for so many free pixels of an image of so many. */
static inline int64_t room_to_spread(int64_t count, int64_t size) { return 8 * count + size + 3 * (64 + GAP); }

/* Spread labels over `count` free pixels that have none, in place. The image is in a frame of pixels that are not free:
 * that spares the question whether a neighbour exists. `waiting`, the free pixels' positions, is used up. */
int64_t spread(int32_t *labels, int32_t *waiting, int64_t count, Spreading how, Room room);

#endif
