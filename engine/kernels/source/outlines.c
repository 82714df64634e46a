/* The outlines of labels: from their bodies' first pixels to all figures that speak of the edge. */
#include <math.h>

#include "outline.h"

/* How outlines are refined; lengths in px. */
typedef struct {
    double least_move, most_move;
    int64_t shortest;      /* outlines of fewer boundary pixels have no normals to speak of */
    double hull_tolerance; /* corners of a hull that stand out by less than this are left out */
} Refining;

/* Room for the points of one label. */
typedef struct {
    int64_t most;
    int32_t *x, *y;
    Point *points, *candidates, *hull;
    bool *kept;
    int32_t *stack;
} Drawing;

static bool make_drawing(Drawing *drawing, Room *room) {
    const int64_t corner_bytes = (int64_t)(sizeof(Point) + sizeof(bool) + sizeof(int32_t));
    const int64_t bytes_each = 2 * (int64_t)(sizeof(int32_t) + sizeof(Point)) + 2 * corner_bytes;
    const int64_t most = (room->end - room->next - 7 * (64 + GAP)) / bytes_each - 2;
    drawing->most = most;
    drawing->x = take(room, most, sizeof *drawing->x);
    drawing->y = take(room, most, sizeof *drawing->y);
    drawing->points = take(room, most, sizeof *drawing->points);
    drawing->candidates = take(room, most, sizeof *drawing->candidates);
    drawing->hull = take(room, 2 * most, sizeof *drawing->hull);
    drawing->kept = take(room, 2 * most, sizeof *drawing->kept);
    drawing->stack = take(room, 2 * most, sizeof *drawing->stack);
    return most > 0 && drawing->stack != NULL;
}

static double polygon_length(const Point *points, int64_t count) {
    double length = 0;
    Point before = points[count - 1];
    for (int64_t at = 0; at < count; at++) {
        const double x = points[at].x - before.x, y = points[at].y - before.y;
        length += sqrt(x * x + y * y);
        before = points[at];
    }
    return length;
}

/* Twice the area, on the grid: exact. */
static int64_t twice_grid_area(const int32_t *x, const int32_t *y, int64_t count) {
    int64_t twice = 0;
    int64_t before = count - 1;
    for (int64_t at = 0; at < count; at++) {
        twice += (int64_t)x[before] * y[at] - (int64_t)y[before] * x[at];
        before = at;
    }
    return twice < 0 ? -twice : twice;
}

/* Points that may be corners of the hull: one in the triangle of two others and the middle of all is none. */
static int64_t find_candidates(const Point *points, int64_t count, Point *candidates) {
    Point middle = {0, 0};
    for (int64_t at = 0; at < count; at++) {
        middle.x += points[at].x;
        middle.y += points[at].y;
    }
    middle.x /= (double)count;
    middle.y /= (double)count;
    int64_t chosen = 0;
    for (int64_t at = 0; at < count; at++) {
        int64_t before = at - TANGENT_STEPS, after = at + TANGENT_STEPS;
        if (before < 0 || after >= count) {
            before = (before + TANGENT_STEPS * count) % count;
            after %= count;
        }
        const double x = points[at].x - middle.x, y = points[at].y - middle.y;
        const double a_x = points[before].x - middle.x, a_y = points[before].y - middle.y;
        const double b_x = points[after].x - middle.x, b_y = points[after].y - middle.y;
        const bool is_inside =
            (a_y * x > a_x * y) & (y * b_x > x * b_y) & ((b_y - a_y) * (x - a_x) >= (b_x - a_x) * (y - a_y));
        candidates[chosen] = points[at];
        chosen += !is_inside;
    }
    return chosen;
}

/* Trace and refine one body, at the end of so many points; how many there are then. */
static int64_t draw_body(const Map *map, const Normals *normals, int64_t first, Drawing *drawing, int64_t count,
                         Outline *outline) {
    const int64_t length = trace(map, first, drawing->x, drawing->y, drawing->most - count);
    if (length < 0) {
        return NO_ROOM;
    }
    Point *points = drawing->points + count;
    refine(map, normals, drawing->x, drawing->y, length, points);
    /* Pick's theorem: a polygon through pixel centres of area A with B boundary pixels holds A + B/2 + 1. */
    const double on_boundary = length == 1 ? 0 : (double)length;
    outline->filled += (double)twice_grid_area(drawing->x, drawing->y, length) / 2 + on_boundary / 2 + 1;
    outline->area += polygon_area(points, length);
    outline->perimeter += polygon_length(points, length);
    outline->bodies += 1;
    return count + length;
}

/* Measure the outlines of the labels from `first` to before `end`.
 *
 * The bodies of a label, by their first pixels, lie from the `body_ends` of the label before to its own. */
EXPORT int64_t measure_outlines(const int32_t *labels, const float *probability, int64_t height, int64_t width,
                                const Refining *refining, const int32_t *first_pixels, const int32_t *body_ends,
                                int64_t first, int64_t end, Outline *outlines, unsigned char *room_begin,
                                int64_t room_bytes) {
    const Map map = {labels, probability, height, width};
    Room room = open_room(room_begin, room_bytes);
    Normals *normals = take(&room, 1, sizeof *normals);
    Drawing drawing;
    if (normals == NULL || !make_drawing(&drawing, &room)) {
        return NO_ROOM;
    }
    prepare_normals(normals, refining->least_move, refining->most_move, refining->shortest);
    for (int64_t label = first; label < end; label++) {
        Outline own = {0};
        int64_t count = 0;
        for (int32_t body = label ? body_ends[label - 1] : 0; body < body_ends[label]; body++) {
            count = draw_body(&map, normals, first_pixels[body], &drawing, count, &own);
            if (count < 0) {
                return NO_ROOM;
            }
        }
        if (count > 0) {
            const int64_t candidates = find_candidates(drawing.points, count, drawing.candidates);
            int64_t corners = convex_hull(drawing.candidates, candidates, drawing.hull);
            begin_as(drawing.points, count, drawing.hull, corners);
            corners = thin_hull(drawing.hull, corners, refining->hull_tolerance, drawing.kept, drawing.stack);
            turn_calipers(drawing.hull, corners, &own);
        }
        outlines[label] = own;
    }
    return end - first;
}
