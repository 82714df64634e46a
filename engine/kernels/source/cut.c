/* Thresholds: probabilities become kinds of pixels. */
#include "kinds.h"

/* Rows from `first` to before `end` of an image become rows of kinds in a frame of background one pixel wide; whether
 * there is any contact among them. */
EXPORT int cut_rows(const float *restrict crystal, const float *restrict contact, int64_t height, int64_t width,
                    int64_t first, int64_t end, float least_crystal, float least_contact, uint8_t *restrict kinds) {
    const int64_t framed = width + 2;
    uint8_t any = 0;
    if (first == 0) {
        memset(kinds, BACKGROUND, (size_t)framed);
    }
    for (int64_t row = first; row < end; row++) {
        const float *restrict crystals = crystal + row * width;
        const float *restrict contacts = contact + row * width;
        uint8_t *restrict out = kinds + (row + 1) * framed + 1;
        out[-1] = BACKGROUND;
        for (int64_t column = 0; column < width; column++) {
            const uint8_t inside = crystals[column] >= least_crystal;
            const uint8_t apart = contacts[column] < least_contact;
            any |= (uint8_t)(inside & !apart);
            out[column] = (uint8_t)(inside + (inside & apart));
        }
        out[width] = BACKGROUND;
    }
    if (end == height) {
        memset(kinds + (height + 1) * framed, BACKGROUND, (size_t)framed);
    }
    return any;
}

/* An image of half the size, of which a pixel is 1 where all four of its pixels are core, else 0. */
EXPORT void halve(const uint8_t *restrict kinds, int64_t height, int64_t width, uint8_t *restrict half) {
    for (int64_t row = 0; row < height / 2; row++) {
        const uint8_t *restrict upper = kinds + (2 * row + 1) * (width + 2) + 1;
        const uint8_t *restrict lower = upper + width + 2;
        uint8_t *restrict out = half + row * (width / 2);
        for (int64_t column = 0; column < width / 2; column++) {
            /* CORE is the one kind with the bit 2. */
            const int all = upper[2 * column] & upper[2 * column + 1] & lower[2 * column] & lower[2 * column + 1];
            out[column] = (uint8_t)(all >> 1);
        }
    }
}
