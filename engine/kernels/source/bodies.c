/* From kinds of pixels to labelled bodies: seeds, their growth, holes, and what is too small or too doubtful.
 *
 * A seed is a connected part of the crystal mask without its contacts. A part of the mask that contacts cover wholly,
 * or leave in crumbs only, is one seed as it stands. Seeds grow back over the mask; holes of single bodies are filled.
 */
#include "holes.h"
#include "parts.h"
#include "spread.h"

/* As in the model card. */
typedef struct {
    int64_t seed_area_px;
    double hole_area_px;
    double hole_fraction;
    double minimal_area_px;
    double minimal_score;
    double small_area_px;
    double small_score;
} Limits;

typedef struct {
    int32_t *of_run; /* label of the seed that each run belongs to, from 1, with gaps; 0 where to none */
    int32_t *bare;   /* positions of crystal pixels that belong to no seed */
    int64_t labels;  /* one more than the largest */
    int64_t bare_count;
} Seeds;

static int64_t find_seeds(const Runs *runs, const Parts *parts, int64_t seed_area_px, Seeds *seeds, Room *room) {
    seeds->of_run = take(room, runs->count, sizeof *seeds->of_run);
    Room own = *room;
    int64_t *areas = take(&own, parts->cores + 1, sizeof *areas);
    bool *seeded = take(&own, parts->masks + 1, sizeof *seeded);
    if (seeds->of_run == NULL || areas == NULL || seeded == NULL) {
        return NO_ROOM;
    }
    memset(areas, 0, (size_t)(parts->cores + 1) * sizeof *areas);
    memset(seeded, 0, (size_t)(parts->masks + 1) * sizeof *seeded);
    for (int64_t run = 0; run < runs->count; run++) {
        areas[parts->of_core[run]] += runs->starts[run + 1] - runs->starts[run];
    }
    for (int64_t run = 0; run < runs->count; run++) {
        const int32_t core = parts->of_core[run];
        if (core && areas[core] >= seed_area_px) {
            seeded[parts->of_rest[run]] = true;
        }
    }
    int64_t bare = 0;
    for (int64_t run = 0; run < runs->count; run++) {
        const int32_t core = parts->of_core[run], mask = parts->of_rest[run];
        int32_t label = 0;
        if (mask > 0 && !seeded[mask]) {
            label = (int32_t)parts->cores + mask;
        } else if (core && areas[core] >= seed_area_px) {
            label = core;
        } else if (mask > 0) {
            bare += runs->starts[run + 1] - runs->starts[run];
        }
        seeds->of_run[run] = label;
    }
    seeds->labels = parts->cores + parts->masks + 1;
    seeds->bare = take(room, bare, sizeof *seeds->bare);
    seeds->bare_count = bare;
    return seeds->bare == NULL ? NO_ROOM : 0;
}

/* The seeds' labels, and 0 elsewhere; and the pixels that are left to grow over. */
static void paint(const Runs *runs, const Parts *parts, const Seeds *seeds, int32_t *labels) {
    const int64_t size = runs->starts[runs->count];
    int32_t *bare = seeds->bare;
    for (int64_t run = 0; run < runs->count; run++) {
        const int32_t start = runs->starts[run], stop = runs->starts[run + 1], label = seeds->of_run[run];
        fill_on(labels, start, stop, size, label);
        if (label == 0 && parts->of_rest[run] > 0) {
            for (int32_t at = start; at < stop; at++) {
                *bare++ = at;
            }
        }
    }
}

/* Pixels and probabilities of labels. */
typedef struct {
    double *areas;
    double *totals;
} Weights;

/* From a position in the frame to that in the image, by row of the frame: so much less. */
static int64_t shift_of(int64_t row, int64_t width) { return 2 * row + width + 1; }

static void weigh_bodies(const Runs *runs, const Parts *parts, const Seeds *seeds, const int32_t *labels,
                         const float *crystal, int64_t height, int64_t width, Weights weights) {
    for (int64_t row = 1; row <= height; row++) {
        const int64_t shift = shift_of(row, width);
        for (int32_t run = runs->of_row[row]; run < runs->of_row[row + 1]; run++) {
            const int32_t start = runs->starts[run], stop = runs->starts[run + 1], label = seeds->of_run[run];
            if (parts->of_rest[run] < 0) {
                continue;
            }
            if (label) {
                weights.areas[label] += stop - start;
                weights.totals[label] += sum_of(crystal + (start - shift), stop - start);
                continue;
            }
            for (int32_t at = start; at < stop;) {
                const int32_t own = labels[at], begin = at;
                double total = 0;
                for (; at < stop && labels[at] == own; at++) {
                    total += (double)crystal[at - shift];
                }
                weights.areas[own] += at - begin;
                weights.totals[own] += total;
            }
        }
    }
}

/* Give the runs of holes to the bodies that are to have them. */
static void fill_holes(const Runs *runs, const Parts *parts, const int32_t *body_of_hole, const float *crystal,
                       int64_t height, int64_t width, Seeds *seeds, Weights weights) {
    for (int64_t row = 1; row <= height; row++) {
        const int64_t shift = shift_of(row, width);
        for (int32_t run = runs->of_row[row]; run < runs->of_row[row + 1]; run++) {
            const int32_t body = parts->of_rest[run] < 0 ? body_of_hole[-parts->of_rest[run]] : 0;
            if (body) {
                const int32_t start = runs->starts[run], stop = runs->starts[run + 1];
                seeds->of_run[run] = body;
                weights.areas[body] += stop - start;
                weights.totals[body] += sum_of(crystal + (start - shift), stop - start);
            }
        }
    }
}

/* Number the bodies that are kept from 1, and note their mean probabilities; how many there are. */
static int64_t choose(const Limits *limits, Weights weights, int64_t labels, int32_t *number, double *scores,
                      int64_t most_scores, int64_t *dropped) {
    int32_t kept = 0;
    *dropped = 0;
    number[0] = 0;
    for (int64_t label = 1; label < labels; label++) {
        const double area = weights.areas[label];
        number[label] = 0;
        if (area == 0) {
            continue;
        }
        const double mean = weights.totals[label] / area;
        if (area >= limits->minimal_area_px && mean >= limits->minimal_score &&
            (area >= limits->small_area_px || mean >= limits->small_score)) {
            if (kept < most_scores) {
                scores[kept] = mean;
            }
            number[label] = ++kept;
        } else {
            *dropped += 1;
        }
    }
    return kept;
}

static void write_labels(const Runs *runs, const Parts *parts, const Seeds *seeds, const int32_t *labels,
                         const int32_t *number, int64_t height, int64_t width, int32_t *out) {
    for (int64_t row = 1; row <= height; row++) {
        const int64_t shift = shift_of(row, width), first = (row - 1) * width, end = first + width;
        for (int32_t run = runs->of_row[row]; run < runs->of_row[row + 1]; run++) {
            const int64_t start = largest_of(runs->starts[run] - shift, first);
            const int64_t stop = least_of(runs->starts[run + 1] - shift, end);
            if (parts->of_rest[run] > 0 && seeds->of_run[run] == 0) {
                for (int64_t at = start; at < stop; at++) {
                    out[at] = number[labels[at + shift]];
                }
                continue;
            }
            fill_on(out, start, stop, height * width, number[seeds->of_run[run]]);
        }
    }
}

/* Label the bodies of kinds of pixels (in their frame of background); how many there are.
 *
 * `crystal` and `labels_out` are (height, width). `scores` has room for `most_scores` mean probabilities; where there
 * are more bodies the rest is left out. `dropped` counts bodies that are too small or too doubtful. */
EXPORT int64_t label_bodies(const uint8_t *kinds, const float *crystal, int64_t height, int64_t width,
                            const Limits *limits, int32_t *labels_out, double *scores, int64_t most_scores,
                            int64_t *dropped, unsigned char *room_begin, int64_t room_bytes) {
    Room room = open_room(room_begin, room_bytes);
    const int64_t framed_width = width + 2, size = (height + 2) * framed_width;
    Runs runs;
    Parts parts;
    Seeds seeds;
    if (find_runs(kinds, height + 2, framed_width, &runs, &room) < 0 ||
        find_parts(kinds, height + 2, &runs, &parts, &room) < 0 ||
        find_seeds(&runs, &parts, limits->seed_area_px, &seeds, &room) < 0) {
        return NO_ROOM;
    }
    const Weights weights = {take(&room, seeds.labels, sizeof(double)), take(&room, seeds.labels, sizeof(double))};
    int32_t *number = take(&room, seeds.labels, sizeof *number);
    int32_t *body_of_hole = take(&room, parts.backgrounds + 1, sizeof *body_of_hole);
    int32_t *labels = take(&room, size, sizeof *labels);
    if (weights.areas == NULL || weights.totals == NULL || number == NULL || body_of_hole == NULL || labels == NULL) {
        return NO_ROOM;
    }
    memset(weights.areas, 0, (size_t)seeds.labels * sizeof(double));
    memset(weights.totals, 0, (size_t)seeds.labels * sizeof(double));
    paint(&runs, &parts, &seeds, labels);
    const Spreading how = {framed_width, size, NO_LIMIT, 2, true};
    if (spread(labels, seeds.bare, seeds.bare_count, how, room) < 0) {
        return NO_ROOM;
    }
    weigh_bodies(&runs, &parts, &seeds, labels, crystal, height, width, weights);
    if (find_bodies_of_holes(&runs, &parts, labels, framed_width, weights.areas, limits->hole_area_px,
                             limits->hole_fraction, body_of_hole, room) < 0) {
        return NO_ROOM;
    }
    fill_holes(&runs, &parts, body_of_hole, crystal, height, width, &seeds, weights);
    const int64_t kept = choose(limits, weights, seeds.labels, number, scores, most_scores, dropped);
    write_labels(&runs, &parts, &seeds, labels, number, height, width, labels_out);
    return kept;
}
