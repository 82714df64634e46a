#include "holes.h"

enum { NOBODY = 0, SEVERAL = -1 };

/* What is around a part of the background, once a pixel with this label is seen there, too. */
static inline int32_t seen_too(int32_t around, int32_t label) {
    if (label == 0 || label == around) {
        return around;
    }
    return around == NOBODY ? label : SEVERAL;
}

int64_t find_bodies_of_holes(const Runs *runs, const Parts *parts, const int32_t *labels, int64_t width,
                             const double *areas, double area_px, double fraction, int32_t *body_of_hole, Room room) {
    int64_t *sizes = take(&room, parts->backgrounds + 1, sizeof *sizes);
    if (sizes == NULL) {
        return NO_ROOM;
    }
    for (int64_t part = 0; part <= parts->backgrounds; part++) {
        body_of_hole[part] = NOBODY;
        sizes[part] = 0;
    }
    body_of_hole[1] = SEVERAL; /* what reaches the image's border is no hole */
    for (int64_t run = 0; run < runs->count; run++) {
        if (parts->of_rest[run] >= 0) {
            continue;
        }
        const int32_t part = -parts->of_rest[run], start = runs->starts[run], stop = runs->starts[run + 1];
        sizes[part] += stop - start;
        int32_t around = body_of_hole[part];
        if (around == SEVERAL) {
            continue;
        }
        around = seen_too(seen_too(around, labels[start - 1]), labels[stop]);
        for (int64_t at = start; at < stop && around != SEVERAL; at++) {
            around = seen_too(seen_too(around, labels[at - width]), labels[at + width]);
        }
        body_of_hole[part] = around;
    }
    for (int64_t part = 1; part <= parts->backgrounds; part++) {
        const int32_t body = body_of_hole[part];
        const double limit = body > 0 ? fraction * areas[body] : 0;
        if (body <= 0 || (double)sizes[part] > (limit > area_px ? limit : area_px)) {
            body_of_hole[part] = NOBODY;
        }
    }
    return 0;
}
