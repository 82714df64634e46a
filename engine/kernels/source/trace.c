/* Border following of Suzuki and Abe 1985, as OpenCV does it. */
#include "outline.h"

/* The eight directions, anticlockwise as seen, from the right: y grows downwards. */
static const int8_t DX[8] = {1, 1, 0, -1, -1, -1, 0, 1};
static const int8_t DY[8] = {0, -1, -1, -1, 0, 1, 1, 1};

static bool is_label(const Map *map, int64_t x, int64_t y, int32_t label) {
    return x >= 0 && x < map->width && y >= 0 && y < map->height && map->labels[y * map->width + x] == label;
}

/* Which of the eight pixels around have the label, a bit for each direction. */
static unsigned around(const Map *map, int64_t x, int64_t y, int32_t label) {
    if (x > 0 && y > 0 && x < map->width - 1 && y < map->height - 1) {
        const int32_t *above = map->labels + (y - 1) * map->width + x, *own = above + map->width,
                      *below = own + map->width;
        return (unsigned)(own[1] == label) | (unsigned)(above[1] == label) << 1 | (unsigned)(above[0] == label) << 2 |
               (unsigned)(above[-1] == label) << 3 | (unsigned)(own[-1] == label) << 4 |
               (unsigned)(below[-1] == label) << 5 | (unsigned)(below[0] == label) << 6 |
               (unsigned)(below[1] == label) << 7;
    }
    unsigned found = 0;
    for (unsigned direction = 0; direction < 8; direction++) {
        found |= (unsigned)is_label(map, x + DX[direction], y + DY[direction], label) << direction;
    }
    return found;
}

int64_t trace(const Map *map, int64_t first, int32_t *x, int32_t *y, int64_t most) {
    const int64_t row = first / map->width, column = first % map->width;
    const int32_t label = map->labels[first];
    if (most < 1) {
        return NO_ROOM;
    }
    x[0] = (int32_t)column;
    y[0] = (int32_t)row;
    unsigned beside = around(map, column, row, label);
    if (beside == 0) {
        return 1;
    }
    /* Clockwise from the left, where there is nothing: the last pixel of the boundary, which leads back to the first.
     */
    unsigned came_from = 3;
    while (!(beside >> came_from & 1)) {
        came_from = (came_from + 7) % 8;
    }
    const int64_t last_x = column + DX[came_from], last_y = row + DY[came_from];
    int64_t at_x = column, at_y = row, count = 0;
    for (;;) {
        if (count == most) {
            return NO_ROOM;
        }
        x[count] = (int32_t)at_x;
        y[count++] = (int32_t)at_y;
        /* The first anticlockwise from where it came from, that last of all: twice the circle, so that it needs no end.
         */
        const unsigned turned = (beside | beside << 8) >> (came_from + 1);
        const unsigned direction = (came_from + 1 + (unsigned)__builtin_ctz(turned)) % 8;
        const int64_t next_x = at_x + DX[direction], next_y = at_y + DY[direction];
        if (next_x == column && next_y == row && at_x == last_x && at_y == last_y) {
            return count;
        }
        at_x = next_x;
        at_y = next_y;
        came_from = (direction + 4) % 8;
        beside = around(map, at_x, at_y, label);
    }
}
