/* Connected parts of the cut, numbered run by run, all kinds at once. */
#ifndef PARTS_H
#define PARTS_H

#include "kinds.h"
#include "runs.h"

/* Parts that are connected by sides; each kind is numbered in the order of first pixels. */
typedef struct {
    int32_t *of_core; /* part of the core that each run belongs to, from 1; 0 where it is no core */
    int32_t *of_rest; /* part of the crystal mask, contacts included, from 1; or of the background, from -1 down: -1
                         reaches the image's border */
    int64_t cores, masks, backgrounds;
} Parts;

int64_t find_parts(const uint8_t *kinds, int64_t height, const Runs *runs, Parts *parts, Room *room);

#endif
