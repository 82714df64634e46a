/* Runs: stretches of one value along a row, many times fewer than pixels. */
#ifndef RUNS_H
#define RUNS_H

#include "kernels.h"

typedef struct {
    int64_t count;
    int32_t *starts; /* flat position of each run's first pixel, ascending; one more than there are: the image's size */
    int32_t *of_row; /* the first run of each row; one more than there are rows */
} Runs;

/* Split an image of bytes into runs, background among them; the rest of the room is the caller's. */
int64_t find_runs(const uint8_t *image, int64_t height, int64_t width, Runs *runs, Room *room);

#endif
