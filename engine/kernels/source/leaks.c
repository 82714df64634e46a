/* One missing pixel in a contact line would fuse two crystals. What a leak joins hangs together by a neck that is
 * narrow beside both bodies, and a contact line runs up to the neck on the way between them. Either sign alone is none:
 * crystals have waists, and lines end inside of crystals.
 */
#include <stdlib.h>

#include "leaks.h"

/* How the necks are told from waists; lengths in px of the image. */
typedef struct {
    double half_widths[SCALES]; /* of the necks that are looked for; a neck counts at the first that is wider */
    double body_per_neck;       /* least radius of the largest disc in either body, relative to that */
    double seen_share;      /* least share of the way between the bodies along which a contact is seen, if faintly */
    int64_t marker_steps;   /* how far bodies grow from one scale to the next: half width of the widest neck */
    int64_t last_steps;     /* how far bodies grow at last: enough for rims and contact bands */
    int64_t least_other_px; /* parts below are crumbs of the contact itself, px² */
    int64_t band_px;        /* how wide a contact reaches into a crystal */
    int64_t beside_px;      /* how far beside the middle between the bodies the contact may lie */
    float faint;            /* least contact that is seen at all */
} Signs;

typedef struct {
    uint8_t *kinds; /* in their frame */
    const float *contact;
    int64_t width; /* of the image, px */
    const Signs *signs;
    const CoreParts *parts;
    int64_t half_width; /* of the image of half the size, px */
} Scene;

/* A pixel between two owners, by number: pairs in order of the smaller, then the larger; then positions. */
typedef struct {
    int32_t smaller, larger, at;
} Border;

/* For qsort: in the order above. */
static int compare_borders(const void *one, const void *other) {
    const Border *a = one, *b = other;
    if (a->smaller != b->smaller) {
        return a->smaller < b->smaller ? -1 : 1;
    }
    if (a->larger != b->larger) {
        return a->larger < b->larger ? -1 : 1;
    }
    return (a->at > b->at) - (a->at < b->at);
}

static bool is_same_pair(Border one, Border other) {
    return one.smaller == other.smaller && one.larger == other.larger;
}

/* Pixels that adjoin an owner of a smaller number, each once for each pair. */
static int64_t find_borders(const int32_t *owners, int64_t size, int64_t width, Border *borders) {
    int64_t count = 0;
    for (int64_t before = 0; before < size - width; before++) {
        const int32_t one = owners[before];
        if (one == 0) {
            continue;
        }
        for (int way = 0; way < 2; way++) {
            const int64_t after = before + (way ? width : 1);
            const int32_t other = owners[after];
            if (other && other != one) {
                borders[count++] =
                    other > one ? (Border){one, other, (int32_t)after} : (Border){other, one, (int32_t)before};
            }
        }
    }
    qsort(borders, (size_t)count, sizeof *borders, compare_borders);
    int64_t kept = 0;
    for (int64_t nth = 0; nth < count; nth++) {
        if (kept == 0 || compare_borders(&borders[kept - 1], &borders[nth]) < 0) {
            borders[kept++] = borders[nth];
        }
    }
    return kept;
}

/* Whether a contact, be it faint, is seen in the box beside a pixel of the image. */
static bool near_contact(const Scene *scene, Box box, int64_t row, int64_t column) {
    const int64_t reach = scene->signs->beside_px;
    const int64_t left = largest_of(column - reach, 2 * box.left), right = least_of(column + reach + 1, 2 * box.right);
    for (int64_t beside = largest_of(row - reach, 2 * box.top); beside < least_of(row + reach + 1, 2 * box.bottom);
         beside++) {
        for (int64_t across = left; across < right; across++) {
            if (scene->contact[beside * scene->width + across] >= scene->signs->faint) {
                return true;
            }
        }
    }
    return false;
}

static bool is_other(const Scene *scene, int32_t other, int32_t part) {
    return other != 0 && other != part && 4 * scene->parts->pixels[other] >= scene->signs->least_other_px;
}

/* Whether the core of another large part lies within the width of a contact: what is seen there is the contact with it.
 */
static bool near_others(const Scene *scene, int32_t part, Box box, int64_t row, int64_t column) {
    const int64_t reach = scene->signs->band_px;
    const int64_t bottom = least_of((row + reach) / 2 + 1, box.bottom);
    const int64_t left = largest_of((column - reach) / 2, box.left);
    const int64_t right = least_of((column + reach) / 2 + 1, box.right);
    for (int64_t beside = largest_of((row - reach) / 2, box.top); beside < bottom; beside++) {
        for (int64_t across = left; across < right; across++) {
            if (is_other(scene, scene->parts->of_HW[beside * scene->half_width + across], part)) {
                return true;
            }
        }
    }
    return false;
}

/* Grow the markers of a part (in an image of half the size) over the crystal mask, but not into other large parts. */
static void grow_owners(const Scene *scene, int32_t part, Box box, const int32_t *markers, int32_t *owners, Room room) {
    const int64_t half_framed = box.right - box.left + 2, framed = 2 * (box.right - box.left) + 2;
    const int64_t size = (2 * (box.bottom - box.top) + 2) * framed;
    int32_t *free = take(&room, size, sizeof *free);
    int64_t count = 0;
    memset(owners, 0, (size_t)size * sizeof *owners);
    for (int64_t row = 2 * box.top; row < 2 * box.bottom; row++) {
        const int32_t *marker = markers + (row / 2 - box.top + 1) * half_framed + 1;
        const int32_t *others = scene->parts->of_HW + row / 2 * scene->half_width + box.left;
        const uint8_t *kinds = scene->kinds + (row + 1) * (scene->width + 2) + 1 + 2 * box.left;
        const int64_t first = (row - 2 * box.top + 1) * framed + 1;
        for (int64_t column = 0; column < 2 * (box.right - box.left); column++) {
            const int32_t owner = marker[column / 2];
            owners[first + column] = owner;
            free[count] = (int32_t)(first + column);
            count += owner == 0 && kinds[column] != BACKGROUND && !is_other(scene, others[column / 2], part);
        }
    }
    spread(owners, free, count, (Spreading){framed, size, (int)scene->signs->last_steps, 1, false}, room);
}

/* Cut one part's necks between markers, where a contact is seen along the way; how many. */
static int64_t mend_part(const Scene *scene, int32_t part, Box box, const int32_t *markers, Room room) {
    const int64_t framed = 2 * (box.right - box.left) + 2, size = (2 * (box.bottom - box.top) + 2) * framed;
    int32_t *owners = take(&room, size, sizeof *owners);
    Border *borders = take(&room, 2 * size, sizeof *borders);
    grow_owners(scene, part, box, markers, owners, room);
    const int64_t count = find_borders(owners, size, framed, borders);
    int64_t mended = 0;
    for (int64_t begin = 0, end = 0; begin < count; begin = end) {
        int64_t between = 0, seen = 0, cores = 0;
        for (; end < count && is_same_pair(borders[begin], borders[end]); end++) {
            const int64_t row = 2 * box.top + borders[end].at / framed - 1;
            const int64_t column = 2 * box.left + borders[end].at % framed - 1;
            cores += scene->kinds[(row + 1) * (scene->width + 2) + column + 1] == CORE;
            if (!near_others(scene, part, box, row, column)) {
                between++;
                seen += near_contact(scene, box, row, column);
            }
        }
        seen -= 2 * scene->signs->beside_px; /* the ends of what is seen are seen from beside, too */
        if (cores == 0 || seen <= 0 || (double)seen < scene->signs->seen_share * (double)between) {
            continue;
        }
        mended++;
        for (int64_t nth = begin; nth < end; nth++) {
            const int64_t row = 2 * box.top + borders[nth].at / framed - 1;
            const int64_t column = 2 * box.left + borders[nth].at % framed - 1;
            uint8_t *kind = &scene->kinds[(row + 1) * (scene->width + 2) + column + 1];
            *kind = *kind == CORE ? CONTACT : *kind;
        }
    }
    return mended;
}

/* Whether necks divide a part at any scale. */
static bool has_necks(const Scale *scales, int32_t part) {
    for (int nth = 0; nth < SCALES; nth++) {
        if (scales[nth].bodies[part] > 1) {
            return true;
        }
    }
    return false;
}

static Box box_of(const CoreParts *parts, int32_t part) {
    return (Box){parts->top[part], parts->bottom[part], parts->left[part], parts->right[part]};
}

static int64_t framed_size(Box box, int64_t scale) {
    return (scale * (box.bottom - box.top) + 2) * (scale * (box.right - box.left) + 2);
}

/* How many scales' necks each pixel is deeper than, and of how many scales a body's middle it may be. */
static void find_levels(const float *restrict depth, int64_t size, const Signs *signs, uint8_t *restrict levels,
                        uint8_t *restrict depths) {
    float necks[SCALES], bodies[SCALES];
    for (int nth = 0; nth < SCALES; nth++) {
        necks[nth] = (float)(signs->half_widths[nth] / 2);
        bodies[nth] = (float)(signs->body_per_neck * signs->half_widths[nth] / 2);
    }
    for (int64_t at = 0; at < size; at++) {
        const float own = depth[at];
        levels[at] =
            (uint8_t)((own > necks[0]) + (own > necks[1]) + (own > necks[2]) + (own > necks[3]) + (own > necks[4]));
        depths[at] = (uint8_t)((own >= bodies[0]) + (own >= bodies[1]) + (own >= bodies[2]) + (own >= bodies[3]) +
                               (own >= bodies[4]));
    }
}

/* Cut the necks in the core that are leaks, in place; how many there were.
 *
 * `kinds` are those of an image (height, width), in their frame; `contact` is its probability of contact; `half`, shape
 * (height / 2, width / 2), is 1 where all four pixels are core, `depth` the distance to where it is not. */
EXPORT int64_t mend_leaks(uint8_t *kinds, const float *contact, int64_t height, int64_t width, const uint8_t *half,
                          const float *depth, const Signs *signs, unsigned char *room_begin, int64_t room_bytes) {
    Room room = open_room(room_begin, room_bytes);
    const int64_t half_height = height / 2, half_width = width / 2, half_size = half_height * half_width;
    CoreParts parts;
    Scale scales[SCALES];
    uint8_t *levels = take(&room, half_size, 1), *depths = take(&room, half_size, 1),
            *inside = take(&room, half_size, 1);
    if (levels == NULL || depths == NULL || inside == NULL ||
        find_core_parts(half, half_height, half_width, &parts, &room) < 0) {
        return NO_ROOM;
    }
    find_levels(depth, half_size, signs, levels, depths);
    for (int nth = 0; nth < SCALES; nth++) {
        if (find_scale(levels, depths, (uint8_t)(nth + 1), half_height, half_width, &parts, inside, &scales[nth],
                       &room) < 0) {
            return NO_ROOM;
        }
    }
    int64_t most_half = 0, most = 0;
    for (int32_t part = 1; part < parts.count; part++) {
        if (has_necks(scales, part)) {
            most_half = largest_of(most_half, framed_size(box_of(&parts, part), 1));
            most = largest_of(most, framed_size(box_of(&parts, part), 2));
        }
    }
    int32_t *markers = take(&room, most_half, sizeof *markers);
    const int64_t room_to_mend = (int64_t)sizeof(int32_t) * 2 * most + (int64_t)sizeof(Border) * 2 * most +
                                 3 * (64 + GAP) + room_to_spread(most, most);
    if (markers == NULL || room.end - room.next < largest_of(room_to_mark(most_half), room_to_mend)) {
        return NO_ROOM;
    }
    const Scene scene = {kinds, contact, width, signs, &parts, half_width};
    int64_t mended = 0;
    for (int32_t part = 1; part < parts.count; part++) {
        if (has_necks(scales, part)) {
            const Box box = box_of(&parts, part);
            memset(markers, 0, (size_t)framed_size(box, 1) * sizeof *markers);
            mark_bodies(part, box, half_width, scales, (int)signs->marker_steps, markers, room);
            mended += mend_part(&scene, part, box, markers, room);
        }
    }
    return mended;
}
