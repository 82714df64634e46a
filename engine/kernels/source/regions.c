/* Regions of a label image: runs, the sums over them, and where each separate body begins. */
#include "joining.h"
#include "kernels.h"

/* Runs of labels, background left out. */
typedef struct {
    int64_t count;
    int32_t *starts, *stops, *labels, *rows;
} LabelRuns;

static int64_t find_label_runs(const int32_t *labels, int64_t height, int64_t width, LabelRuns *runs, Room *room) {
    /* One more for each row than is kept: where its last run would begin. */
    const int64_t most = (room->end - room->next - 4 * (64 + GAP)) / (4 * (int64_t)sizeof(int32_t));
    runs->starts = take(room, most, sizeof *runs->starts);
    runs->stops = take(room, most, sizeof *runs->stops);
    runs->labels = take(room, most, sizeof *runs->labels);
    runs->rows = take(room, most, sizeof *runs->rows);
    if (most <= 0 || runs->rows == NULL) {
        return NO_ROOM;
    }
    int64_t count = 0;
    for (int64_t row = 0; row < height; row++) {
        if (count + width > most) {
            return NO_ROOM;
        }
        const int32_t *pixels = labels + row * width;
        const int32_t first = (int32_t)(row * width);
        int32_t last = 0;
        for (int64_t at = 0; at < width; at++) {
            /* What goes on as before is passed four pixels at a time. */
            while (at + 4 <= width && ((pixels[at] ^ last) | (pixels[at + 1] ^ last) | (pixels[at + 2] ^ last) |
                                       (pixels[at + 3] ^ last)) == 0) {
                at += 4;
            }
            if (at == width || pixels[at] == last) {
                continue;
            }
            if (last) {
                runs->stops[count++] = first + (int32_t)at;
            }
            last = pixels[at];
            if (last < 0) {
                return BAD_LABEL;
            }
            runs->starts[count] = first + (int32_t)at;
            runs->labels[count] = last;
            runs->rows[count] = (int32_t)row;
        }
        if (last) {
            runs->stops[count++] = first + (int32_t)width;
        }
    }
    runs->count = count;
    return count;
}

/* Sums over one label: eight numbers, a line of a processor's cache. */
typedef struct {
    double pixels;
    double sum_x, sum_y;             /* of columns and rows */
    double left, top, right, bottom; /* first and last (exclusive) column and row */
    double sum;                      /* of the probability */
} Region;

/* What was found, in the caller's room. */
typedef struct {
    int64_t labels;        /* the largest */
    int64_t bodies;        /* connected by sides and corners */
    Region *regions;       /* of each label, the background's left 0 */
    int32_t *first_pixels; /* flat position of the topmost, then leftmost pixel of each body; by label */
    int32_t *body_ends;    /* how many bodies the labels up to each have; the background none */
} Survey;

static void add_up(const LabelRuns *runs, const float *probability, int64_t width, Region *regions) {
    for (int64_t run = 0; run < runs->count; run++) {
        Region *own = &regions[runs->labels[run]];
        const int32_t length = runs->stops[run] - runs->starts[run];
        const double row = runs->rows[run], column = (double)(runs->starts[run] - runs->rows[run] * width);
        if (own->pixels == 0) {
            own->left = column;
            own->top = row;
        }
        own->pixels += length;
        own->sum_x += (column + (length - 1) / 2.0) * length;
        own->sum_y += row * length;
        own->left = column < own->left ? column : own->left;
        own->right = column + length > own->right ? column + length : own->right;
        own->bottom = row + 1; /* runs come row by row */
        if (probability != NULL) {
            own->sum += sum_of(probability + runs->starts[run], length);
        }
    }
}

/* Join the runs of each label by sides and corners; which are the first of their bodies stand as their own parents. */
static void join_bodies(const LabelRuns *runs, int64_t width, int32_t *parent) {
    int32_t first = 0; /* of the row */
    Above above = {runs->starts, runs->stops, (int32_t)width, BY_CORNERS, 0, 0};
    for (int32_t run = 0; run < runs->count; run++) {
        parent[run] = run;
        if (run && runs->rows[run] != runs->rows[run - 1]) {
            above.next = runs->rows[run] == runs->rows[run - 1] + 1 ? first : run;
            above.end = first = run;
        }
        pass_before(&above, runs->starts[run]);
        for (int32_t other = above.next; meets(&above, other, runs->stops[run]); other++) {
            if (runs->labels[other] == runs->labels[run]) {
                join(parent, other, run);
            }
        }
    }
}

/* Survey a label image (height, width); `probability` NULL: not summed. NO_ROOM; BAD_LABEL: one is negative, or larger
 * than there are runs, and then they want to be numbered anew. */
EXPORT int64_t survey_regions(const int32_t *labels, const float *probability, int64_t height, int64_t width,
                              Survey *survey, unsigned char *room_begin, int64_t room_bytes) {
    /* The runs lie behind what is found, which is a fraction of them. */
    Room found = open_room(room_begin, room_bytes / 2);
    Room room = open_room(room_begin + room_bytes / 2, room_bytes - room_bytes / 2);
    LabelRuns runs;
    const int64_t status = find_label_runs(labels, height, width, &runs, &room);
    if (status < 0) {
        return status;
    }
    int32_t largest = 0;
    for (int64_t run = 0; run < runs.count; run++) {
        largest = runs.labels[run] > largest ? runs.labels[run] : largest;
    }
    if (largest > runs.count) {
        return BAD_LABEL;
    }
    survey->labels = largest;
    survey->regions = take(&found, largest + 1, sizeof *survey->regions);
    survey->body_ends = take(&found, largest + 1, sizeof *survey->body_ends);
    survey->first_pixels = take(&found, runs.count, sizeof *survey->first_pixels);
    int32_t *parent = take(&found, runs.count, sizeof *parent);
    if (survey->regions == NULL || survey->body_ends == NULL || survey->first_pixels == NULL || parent == NULL) {
        return NO_ROOM;
    }
    memset(survey->regions, 0, (size_t)(largest + 1) * sizeof *survey->regions);
    add_up(&runs, probability, width, survey->regions);
    join_bodies(&runs, width, parent);
    memset(survey->body_ends, 0, (size_t)(largest + 1) * sizeof *survey->body_ends);
    for (int64_t run = 0; run < runs.count; run++) {
        survey->body_ends[runs.labels[run]] += parent[run] == run;
    }
    int32_t bodies = 0;
    for (int64_t label = 0; label <= largest; label++) {
        const int32_t own = survey->body_ends[label];
        survey->body_ends[label] = bodies; /* where they begin, until each has moved this on to where they end */
        bodies += own;
    }
    for (int64_t run = 0; run < runs.count; run++) {
        if (parent[run] == run) {
            survey->first_pixels[survey->body_ends[runs.labels[run]]++] = runs.starts[run];
        }
    }
    survey->bodies = bodies;
    return largest;
}
