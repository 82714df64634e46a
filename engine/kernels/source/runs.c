#include "runs.h"

int64_t find_runs(const uint8_t *image, int64_t height, int64_t width, Runs *runs, Room *room) {
    runs->of_row = take(room, height + 1, sizeof *runs->of_row);
    int64_t most = 0;
    runs->starts = runs->of_row == NULL ? NULL : take_all(room, sizeof *runs->starts, &most);
    if (runs->starts == NULL) {
        return NO_ROOM;
    }
    int32_t *starts = runs->starts;
    int64_t count = 0;
    for (int64_t row = 0; row < height; row++) {
        if (count + width >= most) {
            return NO_ROOM;
        }
        const uint8_t *pixels = image + row * width;
        const int32_t first = (int32_t)(row * width);
        runs->of_row[row] = (int32_t)count;
        starts[count++] = first;
        int64_t at = 1;
        for (; at + 8 <= width; at += 8) {
            uint64_t differ = eight_bytes(pixels + at) ^ eight_bytes(pixels + at - 1);
            while (differ) {
                const int byte = __builtin_ctzll(differ) >> 3;
                starts[count++] = first + (int32_t)(at + byte);
                differ &= ~(UINT64_C(0xFF) << (8 * byte));
            }
        }
        for (; at < width; at++) {
            if (pixels[at] != pixels[at - 1]) {
                starts[count++] = first + (int32_t)at;
            }
        }
    }
    runs->of_row[height] = (int32_t)count;
    starts[count] = (int32_t)(height * width);
    runs->count = count;
    give_back(room, starts + count + 1);
    return count;
}
