#include "parts.h"

#include "joining.h"

static void connect(const uint8_t *kinds, int64_t height, const Runs *runs, int32_t *core, int32_t *whole) {
    const int32_t *starts = runs->starts;
    const int32_t width = height > 1 ? starts[runs->of_row[1]] : starts[runs->count];
    for (int64_t row = 0; row < height; row++) {
        const int32_t first = runs->of_row[row], end = runs->of_row[row + 1];
        Above above = {starts, starts + 1, width, BY_SIDES, row ? runs->of_row[row - 1] : first, first};
        for (int32_t run = first; run < end; run++) {
            const int32_t start = starts[run], stop = starts[run + 1];
            const uint8_t kind = kinds[start];
            if (run > first && kind != BACKGROUND && kinds[start - 1] != BACKGROUND) {
                join(whole, run - 1, run);
            }
            pass_before(&above, start);
            for (int32_t other = above.next; meets(&above, other, stop); other++) {
                const uint8_t beside = kinds[starts[other]];
                if ((beside == BACKGROUND) == (kind == BACKGROUND)) {
                    join(whole, other, run);
                    if (beside == CORE && kind == CORE) {
                        join(core, other, run);
                    }
                }
            }
        }
    }
}

int64_t find_parts(const uint8_t *kinds, int64_t height, const Runs *runs, Parts *parts, Room *room) {
    const int64_t count = runs->count;
    parts->of_core = take(room, count, sizeof *parts->of_core);
    parts->of_rest = take(room, count, sizeof *parts->of_rest);
    Room own = *room;
    int32_t *core = take(&own, count, sizeof *core);
    int32_t *whole = take(&own, count, sizeof *whole);
    if (parts->of_core == NULL || parts->of_rest == NULL || core == NULL || whole == NULL) {
        return NO_ROOM;
    }
    for (int64_t run = 0; run < count; run++) {
        core[run] = whole[run] = (int32_t)run;
    }
    connect(kinds, height, runs, core, whole);
    int32_t cores = 0, masks = 0, backgrounds = 0;
    for (int32_t run = 0; run < count; run++) {
        const uint8_t kind = kinds[runs->starts[run]];
        const int32_t first = first_of(whole, run);
        if (first < run) {
            parts->of_rest[run] = parts->of_rest[first];
        } else {
            parts->of_rest[run] = kind == BACKGROUND ? -++backgrounds : ++masks;
        }
        parts->of_core[run] = 0;
        if (kind == CORE) {
            const int32_t own_first = first_of(core, run);
            parts->of_core[run] = own_first < run ? parts->of_core[own_first] : ++cores;
        }
    }
    parts->cores = cores;
    parts->masks = masks;
    parts->backgrounds = backgrounds;
    return count;
}
