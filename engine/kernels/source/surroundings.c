/* What lies around the pixels at the rims of labels: the sub-pixel area gained there, and which labels are near others.
 *
 * Most pixels lie among their like. Rows are compared with themselves and with the next, several pixels at a time, and
 * only where something differs is a pixel looked at by itself.
 */
#include "kernels.h"

typedef struct {
    const int32_t *labels;
    const float *probability; /* NULL: no areas */
    int64_t height, width;
} Image;

/* Pairs of labels, each as one number, the smaller in its upper half: a hash table in which 0 is an empty place. */
typedef struct {
    int64_t *keys;
    int64_t places; /* a power of two */
    int64_t count;
    int64_t last;
} Pairs;

/* Half widths of a disc's rows, from its middle row down. */
typedef struct {
    const int64_t *half_widths;
    int64_t reach;
} Disc;

static bool note_pair(Pairs *pairs, int32_t one, int32_t other) {
    const int64_t key = one < other ? (int64_t)one << 32 | other : (int64_t)other << 32 | one;
    if (key == pairs->last) {
        return true; /* along an outline the same pair comes many times in a row */
    }
    pairs->last = key;
    uint64_t place = ((uint64_t)key * UINT64_C(0x9E3779B97F4A7C15)) >> 32;
    for (;; place++) {
        place &= (uint64_t)pairs->places - 1;
        if (pairs->keys[place] == key) {
            return true;
        }
        if (pairs->keys[place] == 0) {
            pairs->keys[place] = key;
            pairs->count++;
            return 2 * pairs->count < pairs->places;
        }
    }
}

/* Of the labels around a pixel: the largest, the least but background, and whether background is among them. */
typedef struct {
    int32_t largest;
    uint32_t least; /* less one: background is then larger than all */
    bool has_background;
} Seen;

static inline Seen look(const int32_t *labels, int64_t width, int64_t rows, int64_t columns) {
    Seen seen = {0, UINT32_MAX, false};
    for (int64_t row = 0; row < rows; row++) {
        for (int64_t column = 0; column < columns; column++) {
            const int32_t label = labels[row * width + column];
            const uint32_t less = (uint32_t)label - 1;
            seen.largest = label > seen.largest ? label : seen.largest;
            seen.least = less < seen.least ? less : seen.least;
            seen.has_background |= label == 0;
        }
    }
    return seen;
}

/* Four labels side by side, looked at together. */
typedef int32_t Four __attribute__((vector_size(16)));

static inline Four four(const int32_t *labels) {
    Four value;
    memcpy(&value, labels, sizeof value);
    return value;
}

static inline bool any_of(Four value) {
    uint64_t halves[2];
    memcpy(halves, &value, sizeof value);
    return (halves[0] | halves[1]) != 0;
}

/* Pixels that see background (8 neighbours) count p instead of 1. Background pixels that see a crystal add their p to
 * it, in halves where they see two (the least and the largest label). */
static void gain_area(const Image *image, int64_t row, int64_t column, double *gained) {
    const int64_t width = image->width, top = largest_of(row - 1, 0), left = largest_of(column - 1, 0);
    const int64_t bottom = least_of(row + 2, image->height), right = least_of(column + 2, width);
    const Seen seen = look(image->labels + top * width + left, width, bottom - top, right - left);
    const int32_t own = image->labels[row * width + column];
    const double p = (double)image->probability[row * width + column];
    if (own) {
        gained[own] += seen.has_background ? p - 1 : 0;
    } else {
        gained[seen.largest] += 0.5 * p;
        gained[seen.least + 1] += 0.5 * p;
    }
}

/* The same where the pixels around are all there, and one more to the right. */
static inline void gain_area_within(const Image *image, int64_t row, int64_t column, double *gained) {
    const Four in_square = {-1, -1, -1, 0};
    const int64_t at = row * image->width + column;
    const int32_t *corner = image->labels + at - image->width - 1, own = image->labels[at];
    const Four above = four(corner), beside = four(corner + image->width), below = four(corner + 2 * image->width);
    const double p = (double)image->probability[at];
    if (own) {
        const bool has_background = any_of(((above == 0) | (beside == 0) | (below == 0)) & in_square);
        gained[own] += has_background ? p - 1 : 0;
        return;
    }
    const Four all = above | beside | below;
    const int32_t one = all[0] | all[1] | all[2]; /* the label, if there is but one */
    const Four others =
        ((above != 0) & (above != one)) | ((beside != 0) & (beside != one)) | ((below != 0) & (below != one));
    if (any_of(others & in_square)) {
        gain_area(image, row, column, gained);
    } else {
        gained[one] += p;
    }
}

/* Note the labels in the later half of a disc around a crystal's pixel: the earlier half is noted from there. */
static bool note_near(const Image *image, int64_t row, int64_t column, Disc disc, Pairs *pairs) {
    const int32_t own = image->labels[row * image->width + column];
    const int64_t bottom = least_of(row + disc.reach + 1, image->height);
    for (int64_t beside = row; beside < bottom; beside++) {
        const int64_t half = disc.half_widths[beside - row];
        const int32_t *pixels = image->labels + beside * image->width;
        const int64_t right = least_of(column + half + 1, image->width);
        for (int64_t across = beside == row ? column + 1 : largest_of(column - half, 0); across < right; across++) {
            const int32_t other = pixels[across];
            if (other != own && other != 0 && !note_pair(pairs, own, other)) {
                return false;
            }
        }
    }
    return true;
}

/* Whether there may be another label than a crystal's own in that half of the disc, where all of it is there, and three
 * more pixels to the right: they are looked at, too, now and then. */
static inline bool may_be_near(const Image *image, int64_t row, int64_t column, Disc disc) {
    const int32_t *pixels = image->labels + row * image->width + column, own = *pixels;
    Four others = {0, 0, 0, 0};
    for (int64_t down = 0; down <= disc.reach; down++) {
        const int64_t half = disc.half_widths[down];
        for (int64_t across = down ? -half : 0; across <= half; across += 4) {
            const Four some = four(pixels + across);
            others |= (some != 0) & (some != own);
        }
        pixels += image->width;
    }
    return any_of(others);
}

/* Where each pixel differs from the one to its right; the last of a row has none. */
static void compare_across(const Image *image, int64_t row, uint8_t *restrict differs) {
    const int32_t *restrict own = image->labels + row * image->width;
    for (int64_t column = 0; column + 1 < image->width; column++) {
        differs[column] = own[column] != own[column + 1];
    }
    differs[image->width - 1] = 0;
}

/* Where each pixel differs from the one below. */
static void compare_down(const Image *image, int64_t row, uint8_t *restrict differs) {
    const int32_t *restrict own = image->labels + row * image->width;
    const int32_t *restrict below = own + image->width;
    for (int64_t column = 0; column < image->width; column++) {
        differs[column] = own[column] != below[column];
    }
}

/* Where the pixels around a row's pixels are not all alike. `across`: of the row above, the row, the row below; `down`:
 * of the row above and the row. */
static void merge(const uint8_t *const across[3], const uint8_t *const down[2], int64_t width, uint8_t *restrict out) {
    const uint8_t *restrict one = across[0], *restrict two = across[1], *restrict three = across[2];
    const uint8_t *restrict above = down[0], *restrict below = down[1];
    for (int64_t at = 0; at < width; at++) {
        const int left = one[at - 1] | two[at - 1] | three[at - 1] | above[at - 1] | below[at - 1];
        const int here = one[at] | two[at] | three[at] | above[at] | below[at];
        out[at] = (uint8_t)(left | here | above[at + 1] | below[at + 1]);
    }
}

/* Look at the pixels of a row where something differs. */
static bool look_at_row(const Image *image, int64_t row, const uint8_t *differs, Disc disc, double *gained,
                        Pairs *pairs) {
    /* Between these columns all that is looked at is there. */
    const bool is_within = row > 0 && row + largest_of(disc.reach, 1) < image->height;
    const int64_t left = disc.reach + 1, right = is_within ? image->width - disc.reach - 3 : 0;
    for (int64_t from = 0; from < image->width; from += 8) {
        /* Each byte is 0 or 1, and 0 beyond the row's end. */
        for (uint64_t some = eight_bytes(differs + from); some; some &= some - 1) {
            const int64_t column = from + (__builtin_ctzll(some) >> 3);
            const bool is_crystal = image->labels[row * image->width + column] != 0;
            if (column >= left && column < right) {
                if (image->probability != NULL) {
                    gain_area_within(image, row, column, gained);
                }
                if (!is_crystal || !may_be_near(image, row, column, disc)) {
                    continue;
                }
            } else if (image->probability != NULL) {
                gain_area(image, row, column, gained);
            }
            if (is_crystal && !note_near(image, row, column, disc, pairs)) {
                return false;
            }
        }
    }
    return true;
}

/* Add to `gained`, by label, the area in px² beyond whole pixels, and note pairs of labels that are near each other: by
 * pixels of the rows from `first` to before `end`. `gained` and `keys` are all 0 before. MANY_PAIRS where more than half
 * of the `places` for pairs is taken. */
EXPORT int64_t look_around(const int32_t *labels, const float *probability, int64_t height, int64_t width,
                           int64_t first, int64_t end, const int64_t *half_widths, int64_t reach, double *gained,
                           int64_t *keys, int64_t places, unsigned char *room_begin, int64_t room_bytes) {
    const Image image = {labels, probability, height, width};
    const Disc disc = {half_widths, reach};
    Pairs pairs = {keys, places, 0, 0};
    Room room = open_room(room_begin, room_bytes);
    const int64_t stride = width + 16; /* nothing differs beside the first pixel and beyond the last */
    uint8_t *planes = take(&room, 6 * stride, 1);
    if (planes == NULL) {
        return NO_ROOM;
    }
    memset(planes, 0, (size_t)(6 * stride));
    uint8_t *across[3] = {planes + 8, planes + stride + 8, planes + 2 * stride + 8};
    uint8_t *down[2] = {planes + 3 * stride + 8, planes + 4 * stride + 8};
    uint8_t *differs = planes + 5 * stride + 8;
    if (first > 0) {
        compare_across(&image, first - 1, across[0]);
        compare_down(&image, first - 1, down[0]);
    }
    if (first < end) {
        compare_across(&image, first, across[1]);
    }
    for (int64_t row = first; row < end; row++) {
        if (row + 1 < height) {
            compare_across(&image, row + 1, across[2]);
            compare_down(&image, row, down[1]);
        } else {
            memset(across[2], 0, (size_t)width);
            memset(down[1], 0, (size_t)width);
        }
        merge((const uint8_t *const *)across, (const uint8_t *const *)down, width, differs);
        if (!look_at_row(&image, row, differs, disc, gained, &pairs)) {
            return MANY_PAIRS;
        }
        uint8_t *const oldest = across[0], *const passed = down[0];
        across[0] = across[1];
        across[1] = across[2];
        across[2] = oldest;
        down[0] = down[1];
        down[1] = passed;
    }
    return pairs.count;
}
