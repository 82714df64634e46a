/* Convex hulls of outlines. */
#include <math.h>
#include <stdlib.h>

#include "outline.h"

/* For qsort: from left to right, then from top to bottom. */
static int compare_points(const void *one, const void *other) {
    const Point *a = one, *b = other;
    if (a->x != b->x) {
        return a->x < b->x ? -1 : 1;
    }
    return (a->y > b->y) - (a->y < b->y);
}

/* Go on to a point, leaving out corners that it makes turn the wrong way; how many there are then. */
static int64_t turn_to(Point *hull, int64_t count, int64_t fixed, Point next) {
    for (; count >= fixed + 2; count--) {
        const Point one = hull[count - 1], before = hull[count - 2];
        if ((one.x - before.x) * (next.y - before.y) - (one.y - before.y) * (next.x - before.x) > 0) {
            break;
        }
    }
    if (count && hull[count - 1].x == next.x && hull[count - 1].y == next.y) {
        return count;
    }
    hull[count] = next;
    return count + 1;
}

int64_t convex_hull(Point *points, int64_t count, Point *hull) {
    /* Andrew 1979: the lower chain from left to right, then the upper one back. */
    qsort(points, (size_t)count, sizeof *points, compare_points);
    int64_t corners = 0;
    for (int64_t nth = 0; nth < count; nth++) {
        corners = turn_to(hull, corners, 0, points[nth]);
    }
    const int64_t lower = corners - 1;
    for (int64_t nth = count - 2; nth >= 0; nth--) {
        corners = turn_to(hull, corners, lower, points[nth]);
    }
    return corners > 1 ? corners - 1 : 1; /* the first corner again */
}

static void reverse(Point *points, int64_t first, int64_t end) {
    for (int64_t last = end - 1; first < last; first++, last--) {
        const Point kept = points[first];
        points[first] = points[last];
        points[last] = kept;
    }
}

/* The same corners, from another one on: the list turned, by turning its two parts and then the whole. */
static void begin_at(Point *hull, int64_t count, int64_t first) {
    reverse(hull, 0, first);
    reverse(hull, first, count);
    reverse(hull, 0, count);
}

void begin_as(const Point *points, int64_t count, Point *hull, int64_t corners) {
    for (int64_t at = 0; at < count; at++) {
        for (int64_t nth = 0; nth < corners; nth++) {
            if (points[at].x == hull[nth].x && points[at].y == hull[nth].y) {
                begin_at(hull, corners, nth);
                return;
            }
        }
    }
}

static int64_t farthest_from(const Point *hull, int64_t count, int64_t from) {
    double farthest = -1;
    int64_t found = from;
    for (int64_t nth = 0; nth < count; nth++) {
        const double x = hull[nth].x - hull[from].x, y = hull[nth].y - hull[from].y;
        if (x * x + y * y > farthest) {
            farthest = x * x + y * y;
            found = nth;
        }
    }
    return found;
}

/* Leave out corners that are nearly on the line between the two beside them, as OpenCV's approxPolyDP does at last. */
static int64_t straighten(Point *hull, int64_t count, double tolerance) {
    const Point first = hull[0];
    Point before = hull[count - 1];
    int64_t left = 0, dropped = 0;
    for (int64_t nth = 0; nth < count; nth++) {
        const Point own = hull[nth], after = nth + 1 < count ? hull[nth + 1] : first;
        const double x = after.x - before.x, y = after.y - before.y;
        const double away = (own.x - before.x) * y - (own.y - before.y) * x;
        const bool is_straight = away * away <= 0.5 * tolerance * tolerance * (x * x + y * y);
        if (is_straight && count - dropped > 2) {
            dropped++;
            if (nth + 1 < count) {
                /* The corner after it stays. */
                before = hull[left++] = hull[++nth];
            }
            continue;
        }
        before = hull[left++] = own;
    }
    return left;
}

int64_t thin_hull(Point *hull, int64_t count, double tolerance, bool *kept, int32_t *stack) {
    /* Douglas and Peucker 1973, from two corners that are far apart. */
    if (count < 3) {
        return count;
    }
    const int64_t one = farthest_from(hull, count, farthest_from(hull, count, 0));
    const int64_t other = farthest_from(hull, count, one);
    for (int64_t nth = 0; nth < count; nth++) {
        kept[nth] = nth == one || nth == other;
    }
    /* Ends of the stretches that are still to be looked at: each begins where the one before it in the stack ended. */
    int64_t depth = 0, begin = one;
    stack[depth++] = (int32_t)(one + count);
    stack[depth++] = (int32_t)(other > one ? other : other + count);
    while (depth > 0) {
        const int64_t end = stack[depth - 1];
        const Point from = hull[begin % count], to = hull[end % count];
        const double x = to.x - from.x, y = to.y - from.y;
        double farthest = 0;
        int64_t found = begin;
        for (int64_t nth = begin + 1; nth < end; nth++) {
            const Point own = hull[nth >= count ? nth - count : nth];
            const double away = fabs((own.y - from.y) * x - (own.x - from.x) * y);
            if (away > farthest) {
                farthest = away;
                found = nth;
            }
        }
        if (found > begin && farthest * farthest > tolerance * tolerance * (x * x + y * y)) {
            kept[found % count] = true;
            stack[depth++] = (int32_t)found;
        } else {
            begin = end;
            depth--;
        }
    }
    begin_at(hull, count, one);
    int64_t left = 0;
    for (int64_t nth = 0; nth < count; nth++) {
        if (kept[(one + nth) % count]) {
            hull[left++] = hull[nth];
        }
    }
    return straighten(hull, left, tolerance);
}

void turn_calipers(const Point *hull, int64_t count, Outline *outline) {
    /* Both the smallest Feret diameter and the rectangle of least area have a side on an edge of the hull (Freeman and
     * Shapira 1975), so every edge is tried. */
    double twice_area = 0, perimeter = 0, widest = 0, narrow = INFINITY, least = INFINITY;
    double length = 0, width = 0, angle = 0;
    for (int64_t nth = 0; nth < count; nth++) {
        const Point own = hull[nth], after = hull[nth + 1 < count ? nth + 1 : 0];
        const double x = after.x - own.x, y = after.y - own.y, side = sqrt(x * x + y * y);
        twice_area += (own.x - hull[0].x) * (after.y - hull[0].y) - (own.y - hull[0].y) * (after.x - hull[0].x);
        perimeter += side;
        double begin = 0, end = 0, depth = 0, far = 0;
        for (int64_t other = 0; other < count; other++) {
            const double from_x = hull[other].x - own.x, from_y = hull[other].y - own.y;
            const double place = x * from_x + y * from_y;
            /* All corners lie on one side of an edge, so the farthest alone gives the width. */
            const double away = fabs(x * from_y - y * from_x), gap = from_x * from_x + from_y * from_y;
            begin = place < begin ? place : begin;
            end = place > end ? place : end;
            depth = away > depth ? away : depth;
            far = gap > far ? gap : far;
        }
        widest = far > widest ? far : widest;
        if (side == 0) {
            continue;
        }
        const double along = (end - begin) / side, across = depth / side;
        narrow = across < narrow ? across : narrow;
        if (along * across < least) {
            least = along * across;
            length = along;
            width = across;
            angle = atan2(-y, x) * (180 / 3.14159265358979323846);
        }
    }
    if (width > length) {
        const double longer = width;
        width = length;
        length = longer;
        angle += 90;
    }
    angle = fmod(angle, 180);
    angle = angle < 0 ? angle + 180 : angle;
    outline->feret_max = sqrt(widest);
    outline->feret_min = narrow < INFINITY ? narrow : 0;
    outline->length = length;
    outline->width = width;
    outline->orientation_deg = angle >= 180 - 1e-9 ? 0 : angle;
    outline->hull_area = fabs(twice_area) / 2;
    outline->hull_perimeter = perimeter;
}
