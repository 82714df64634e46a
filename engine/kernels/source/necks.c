/* What hangs together by necks: bodies at several scales, and the markers that they give.
 *
 * At each scale, pixels deeper than the necks make up pieces; a piece with a disc that is large beside its necks is a
 * body. Markers come from the coarsest necks to the finest: what bodies share is divided at the scale of the neck
 * between them, where all have grown alike.
 */
#include "joining.h"
#include "leaks.h"
#include "runs.h"

enum { MARKED = -1 };

int64_t find_core_parts(const uint8_t *half, int64_t height, int64_t width, CoreParts *parts, Room *room) {
    const int64_t size = height * width;
    parts->of_HW = take(room, size, sizeof *parts->of_HW);
    Room own = *room;
    Runs runs;
    if (parts->of_HW == NULL || find_runs(half, height, width, &runs, &own) < 0) {
        return NO_ROOM;
    }
    int32_t *parent = take(&own, runs.count, sizeof *parent);
    int32_t *part_of = take(&own, runs.count, sizeof *part_of);
    if (parent == NULL || part_of == NULL) {
        return NO_ROOM;
    }
    const int32_t *starts = runs.starts;
    int32_t count = 1;
    for (int64_t row = 0; row < height; row++) {
        const int32_t first = runs.of_row[row], end = runs.of_row[row + 1];
        Above above = {starts, starts + 1, (int32_t)width, BY_CORNERS, row ? runs.of_row[row - 1] : first, first};
        for (int32_t run = first; run < end; run++) {
            parent[run] = run;
            if (!half[starts[run]]) {
                continue;
            }
            pass_before(&above, starts[run]);
            for (int32_t other = above.next; meets(&above, other, starts[run + 1]); other++) {
                if (half[starts[other]]) {
                    join(parent, other, run);
                }
            }
        }
    }
    for (int32_t run = 0; run < runs.count; run++) {
        const int32_t first = first_of(parent, run);
        part_of[run] = !half[runs.starts[run]] ? 0 : first < run ? part_of[first] : count++;
        fill_on(parts->of_HW, runs.starts[run], runs.starts[run + 1], size, part_of[run]);
    }
    parts->count = count;
    parts->top = take(&own, count, sizeof *parts->top);
    parts->bottom = take(&own, count, sizeof *parts->bottom);
    parts->left = take(&own, count, sizeof *parts->left);
    parts->right = take(&own, count, sizeof *parts->right);
    parts->pixels = take(&own, count, sizeof *parts->pixels);
    if (parts->top == NULL || parts->bottom == NULL || parts->left == NULL || parts->right == NULL ||
        parts->pixels == NULL) {
        return NO_ROOM;
    }
    for (int32_t part = 0; part < count; part++) {
        parts->top[part] = (int32_t)height;
        parts->left[part] = (int32_t)width;
        parts->bottom[part] = parts->right[part] = 0;
        parts->pixels[part] = 0;
    }
    for (int64_t row = 0; row < height; row++) {
        for (int32_t run = runs.of_row[row]; run < runs.of_row[row + 1]; run++) {
            const int32_t part = part_of[run];
            const int32_t left = runs.starts[run] - (int32_t)(row * width);
            const int32_t right = runs.starts[run + 1] - (int32_t)(row * width);
            if (part) {
                parts->top[part] = (int32_t)least_of(parts->top[part], row);
                parts->bottom[part] = (int32_t)row + 1;
                parts->left[part] = (int32_t)least_of(parts->left[part], left);
                parts->right[part] = (int32_t)largest_of(parts->right[part], right);
                parts->pixels[part] += right - left;
            }
        }
    }
    *room = own;
    return count;
}

/* Stretches of the pixels inside, row by row, each joined to those of the row before that it touches. */
static void find_stretches(const uint8_t *inside, const Runs *runs, int64_t height, int64_t width, Scale *scale) {
    int32_t first = 0, count = 0;
    for (int64_t row = 0; row < height; row++) {
        Above above = {scale->starts, scale->stops, (int32_t)width, BY_SIDES, first, count};
        first = count;
        for (int32_t run = runs->of_row[row]; run < runs->of_row[row + 1]; run++) {
            const int32_t start = runs->starts[run], stop = runs->starts[run + 1];
            if (!inside[start]) {
                continue;
            }
            scale->starts[count] = start;
            scale->stops[count] = stop;
            scale->rows[count] = (int32_t)row;
            scale->pieces[count] = count;
            pass_before(&above, start);
            for (int32_t other = above.next; meets(&above, other, stop); other++) {
                join(scale->pieces, other, count);
            }
            count++;
        }
    }
    scale->count = count;
}

static void note_bodies(const uint8_t *depths, uint8_t level, const int32_t *part_HW, Scale *scale) {
    for (int32_t stretch = 0; stretch < scale->count; stretch++) {
        scale->is_body[stretch] = 0;
        scale->numbers[stretch] = 0;
        const int32_t first = first_of(scale->pieces, stretch);
        scale->pieces[stretch] = first;
        for (int32_t at = scale->starts[stretch]; at < scale->stops[stretch] && !scale->is_body[first]; at++) {
            scale->is_body[first] = depths[at] >= level;
        }
    }
    for (int32_t stretch = 0; stretch < scale->count; stretch++) {
        if (scale->pieces[stretch] == stretch) {
            scale->bodies[part_HW[scale->starts[stretch]]] += scale->is_body[stretch];
        }
    }
}

/* Put the stretches in order of their parts, by counting. */
static void sort_by_part(const int32_t *part_HW, int64_t parts, Scale *scale) {
    int32_t *begin = scale->part_begin;
    memset(begin, 0, (size_t)(parts + 1) * sizeof *begin);
    for (int64_t stretch = 0; stretch < scale->count; stretch++) {
        begin[part_HW[scale->starts[stretch]] + 1]++;
    }
    for (int64_t part = 0; part < parts; part++) {
        begin[part + 1] += begin[part];
    }
    for (int32_t stretch = 0; stretch < scale->count; stretch++) {
        scale->of_part[begin[part_HW[scale->starts[stretch]]]++] = stretch;
    }
    /* Each begin has moved to its end, which is the next one's begin. */
    memmove(begin + 1, begin, (size_t)parts * sizeof *begin);
    begin[0] = 0;
}

int64_t find_scale(const uint8_t *levels, const uint8_t *depths, uint8_t level, int64_t height, int64_t width,
                   const CoreParts *parts, uint8_t *inside, Scale *scale, Room *room) {
    Runs runs;
    for (int64_t at = 0; at < height * width; at++) {
        inside[at] = levels[at] >= level;
    }
    if (find_runs(inside, height, width, &runs, room) < 0) {
        return NO_ROOM;
    }
    scale->starts = take(room, runs.count, sizeof *scale->starts);
    scale->stops = take(room, runs.count, sizeof *scale->stops);
    scale->rows = take(room, runs.count, sizeof *scale->rows);
    scale->pieces = take(room, runs.count, sizeof *scale->pieces);
    scale->is_body = take(room, runs.count, sizeof *scale->is_body);
    scale->numbers = take(room, runs.count, sizeof *scale->numbers);
    scale->of_part = take(room, runs.count, sizeof *scale->of_part);
    scale->part_begin = take(room, parts->count + 1, sizeof *scale->part_begin);
    scale->bodies = take(room, parts->count, sizeof *scale->bodies);
    if (scale->starts == NULL || scale->stops == NULL || scale->rows == NULL || scale->pieces == NULL ||
        scale->is_body == NULL || scale->numbers == NULL || scale->of_part == NULL || scale->part_begin == NULL ||
        scale->bodies == NULL) {
        return NO_ROOM;
    }
    memset(scale->bodies, 0, (size_t)parts->count * sizeof *scale->bodies);
    find_stretches(inside, &runs, height, width, scale);
    note_bodies(depths, level, parts->of_HW, scale);
    sort_by_part(parts->of_HW, parts->count, scale);
    return scale->count;
}

/* One part at one scale: its stretches in order, and where they lie in the image of the part's box. */
typedef struct {
    const Scale *scale;
    const int32_t *stretches;
    int64_t count;
    Box box;
    int64_t width; /* of the image */
} View;

/* Position in the framed box of the first pixel of a stretch; less the pixel's own position, that of all of them. */
static int64_t shift_into_box(const View *view, int32_t stretch) {
    const int64_t row = view->scale->rows[stretch];
    const int64_t framed = view->box.right - view->box.left + 2;
    return (row - view->box.top + 1) * framed + 1 - view->box.left - row * view->width;
}

static void grow_markers(const View *view, int steps, int32_t *markers, Room room) {
    const int64_t framed = view->box.right - view->box.left + 2;
    const int64_t size = (view->box.bottom - view->box.top + 2) * framed;
    int32_t *free = take(&room, size, sizeof *free);
    int64_t count = 0;
    for (int64_t nth = 0; nth < view->count; nth++) {
        const int32_t stretch = view->stretches[nth];
        const int64_t shift = shift_into_box(view, stretch);
        for (int64_t at = view->scale->starts[stretch] + shift; at < view->scale->stops[stretch] + shift; at++) {
            free[count] = (int32_t)at;
            count += markers[at] == 0;
        }
    }
    spread(markers, free, count, (Spreading){framed, size, steps, 1, false}, room);
}

/* Make a marker of each body that has none; the number of the last one. */
static int32_t add_markers(const View *view, int32_t *markers, int32_t last) {
    const Scale *scale = view->scale;
    for (int64_t nth = 0; nth < view->count; nth++) {
        const int32_t stretch = view->stretches[nth], piece = scale->pieces[stretch];
        const int64_t shift = shift_into_box(view, stretch);
        if (scale->is_body[piece]) {
            for (int64_t at = scale->starts[stretch] + shift; at < scale->stops[stretch] + shift; at++) {
                if (markers[at]) {
                    scale->numbers[piece] = MARKED;
                }
            }
        }
    }
    for (int64_t nth = 0; nth < view->count; nth++) {
        const int32_t stretch = view->stretches[nth], piece = scale->pieces[stretch];
        if (piece == stretch && scale->is_body[piece] && scale->numbers[piece] != MARKED) {
            scale->numbers[piece] = ++last;
        }
        if (scale->numbers[piece] > 0) {
            const int64_t shift = shift_into_box(view, stretch);
            for (int64_t at = scale->starts[stretch] + shift; at < scale->stops[stretch] + shift; at++) {
                markers[at] = scale->numbers[piece];
            }
        }
    }
    return last;
}

int32_t mark_bodies(int32_t part, Box box, int64_t width, const Scale *scales, int steps, int32_t *markers, Room room) {
    int32_t last = 0;
    for (int nth = SCALES - 1; nth >= 0; nth--) {
        const Scale *scale = &scales[nth];
        const int32_t begin = scale->part_begin[part], end = scale->part_begin[part + 1];
        const View view = {scale, scale->of_part + begin, end - begin, box, width};
        if (last > 0) {
            grow_markers(&view, steps, markers, room);
        }
        if (scale->bodies[part] > 0) {
            last = add_markers(&view, markers, last);
        }
    }
    return last;
}
