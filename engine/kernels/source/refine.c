/* From the centre of a boundary pixel, which lies inside, the edge is as far as the probabilities at 0, 1 and 2 px
 * along the outward normal add up to, less one half; only up to the next crystal where there is one.
 *
 * Boundary pixels lie on a grid, so that there are few different tangents: what belongs to a normal is worked out once.
 */
#include <math.h>

#include "outline.h"

void prepare_normals(Normals *normals, double least_move, double most_move, int64_t shortest) {
    normals->least_move = least_move;
    normals->most_move = most_move;
    normals->shortest = shortest;
    for (int row = 0; row < TANGENTS; row++) {
        for (int column = 0; column < TANGENTS; column++) {
            const double along_x = column - 2 * TANGENT_STEPS, along_y = row - 2 * TANGENT_STEPS;
            const double length = sqrt(along_x * along_x + along_y * along_y);
            Normal *normal = &normals->of[row][column];
            /* The outside lies to this hand of the way that outlines are followed. */
            normal->normal = length > 0 ? (Point){-along_y / length, along_x / length} : (Point){0, 0};
            for (int step = 0; step < 2; step++) {
                const double x = (step + 1) * normal->normal.x, y = (step + 1) * normal->normal.y;
                const double right = x - floor(x), lower = y - floor(y);
                normal->nearest_x[step] = (int64_t)floor(x + 0.5);
                normal->nearest_y[step] = (int64_t)floor(y + 0.5);
                normal->left[step] = (int64_t)floor(x);
                normal->upper[step] = (int64_t)floor(y);
                normal->shares[step][0] = (1 - lower) * (1 - right);
                normal->shares[step][1] = (1 - lower) * right;
                normal->shares[step][2] = lower * (1 - right);
                normal->shares[step][3] = lower * right;
            }
        }
    }
}

/* Value of the probability between four pixels; 0 beyond its border. */
static double sample(const Map *map, int64_t left, int64_t upper, const double *shares) {
    double value = 0;
    for (int64_t corner = 0; corner < 4; corner++) {
        const int64_t x = left + corner % 2, y = upper + corner / 2;
        if (x >= 0 && x < map->width && y >= 0 && y < map->height) {
            value += shares[corner] * (double)map->probability[y * map->width + x];
        }
    }
    return value;
}

/* How far from a boundary pixel's centre the edge lies, where the image may end beside it. */
static double distance_at_border(const Map *map, const Normal *normal, int64_t x, int64_t y) {
    const int32_t label = map->labels[y * map->width + x];
    double distance = (double)map->probability[y * map->width + x] - 0.5;
    for (int step = 0; step < 2; step++) {
        const int64_t row = largest_of(least_of(y + normal->nearest_y[step], map->height - 1), 0);
        const int64_t column = largest_of(least_of(x + normal->nearest_x[step], map->width - 1), 0);
        const int32_t there = map->labels[row * map->width + column];
        if (there != 0 && there != label) {
            break;
        }
        distance += sample(map, x + normal->left[step], y + normal->upper[step], normal->shares[step]);
    }
    return distance;
}

/* The same where it goes on for 3 px and more. */
static inline double distance_within(const Map *map, const Normal *normal, int64_t x, int64_t y) {
    const int64_t width = map->width;
    const int32_t *labels = map->labels + y * width + x;
    const float *probability = map->probability + y * width + x;
    double distance = (double)*probability - 0.5;
    for (int step = 0; step < 2; step++) {
        const int32_t there = labels[normal->nearest_y[step] * width + normal->nearest_x[step]];
        if (there != 0 && there != *labels) {
            break;
        }
        const float *corner = probability + normal->upper[step] * width + normal->left[step];
        const double *shares = normal->shares[step];
        distance += (shares[0] * (double)corner[0] + shares[1] * (double)corner[1]) +
                    (shares[2] * (double)corner[width] + shares[3] * (double)corner[width + 1]);
    }
    return distance;
}

void refine(const Map *map, const Normals *normals, const int32_t *x, const int32_t *y, int64_t count, Point *points) {
    for (int64_t at = 0; at < count; at++) {
        const int64_t own_x = x[at], own_y = y[at];
        points[at] = (Point){(double)own_x, (double)own_y};
        if (count < normals->shortest) {
            continue;
        }
        int64_t before = at - TANGENT_STEPS, after = at + TANGENT_STEPS;
        if (before < 0 || after >= count) {
            before = (before + count) % count;
            after %= count;
        }
        const Normal *normal =
            &normals->of[y[after] - y[before] + 2 * TANGENT_STEPS][x[after] - x[before] + 2 * TANGENT_STEPS];
        const bool within = own_x >= 3 && own_y >= 3 && own_x < map->width - 3 && own_y < map->height - 3;
        double distance =
            within ? distance_within(map, normal, own_x, own_y) : distance_at_border(map, normal, own_x, own_y);
        distance = distance < normals->least_move ? normals->least_move : distance;
        distance = distance > normals->most_move ? normals->most_move : distance;
        points[at].x += distance * normal->normal.x;
        points[at].y += distance * normal->normal.y;
    }
}

double polygon_area(const Point *points, int64_t count) {
    double twice = 0;
    Point before = points[count - 1];
    for (int64_t at = 0; at < count; at++) {
        twice += before.x * points[at].y - before.y * points[at].x;
        before = points[at];
    }
    return fabs(twice) / 2;
}
