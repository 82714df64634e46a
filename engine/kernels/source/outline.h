/* The outline of one body, step by step: traced, refined, its hull, and calipers around that. */
#ifndef OUTLINE_H
#define OUTLINE_H

#include "kernels.h"

enum { TANGENT_STEPS = 2 }; /* normals are taken across this many boundary pixels to either side */

typedef struct {
    const int32_t *labels;
    const float *probability;
    int64_t height, width;
} Map;

typedef struct {
    double x, y;
} Point;

/* Moves of the boundary onto the edge. */
typedef struct {
    Point normal;         /* outwards; 0 where the tangent has no length */
    int64_t nearest_x[2]; /* the pixel that lies 1, 2 px along it, from the boundary pixel */
    int64_t nearest_y[2];
    int64_t left[2], upper[2]; /* the pixels that it lies between */
    double shares[2][4];       /* their shares in the value there: upper left, upper right, lower left, lower right */
} Normal;

enum { TANGENTS = 4 * TANGENT_STEPS + 1 };

typedef struct {
    Normal of[TANGENTS][TANGENTS]; /* by the tangent's y and x, each from -2 · TANGENT_STEPS */
    double least_move, most_move;  /* px */
    int64_t shortest;              /* outlines of fewer boundary pixels are not refined */
} Normals;

/* What is known of a body's or a label's outline before it is moved as a whole. */
typedef struct {
    double filled;    /* whole pixels, holes filled */
    double area;      /* inside the refined polygon, holes filled, px² */
    double perimeter; /* of that polygon, px */
    double bodies;
    double feret_max, feret_min;
    double length, width, orientation_deg; /* of the rectangle of least area */
    double hull_area, hull_perimeter;
} Outline;

void prepare_normals(Normals *normals, double least_move, double most_move, int64_t shortest);

/* The boundary pixels of the body whose topmost, then leftmost pixel is `first`: columns and rows, anticlockwise as
 * seen, pixels of narrow places more than once; how many, or NO_ROOM where there are more than `most`. */
int64_t trace(const Map *map, int64_t first, int32_t *x, int32_t *y, int64_t most);

/* Move the centres of a body's boundary pixels onto the edge. */
void refine(const Map *map, const Normals *normals, const int32_t *x, const int32_t *y, int64_t count, Point *points);

double polygon_area(const Point *points, int64_t count);

/* The corners of the hull of some points, which are put in another order; how many. `hull` holds twice as many as there
 * are: of points nearly on a line, rounding makes some a corner of both chains. */
int64_t convex_hull(Point *points, int64_t count, Point *hull);

/* Begin the list of corners with the one that comes first among the points: how a hull is thinned depends on it. */
void begin_as(const Point *points, int64_t count, Point *hull, int64_t corners);

/* Leave out corners that stand out by less than `tolerance`; how many are left. `kept` and `stack` hold as many. */
int64_t thin_hull(Point *hull, int64_t count, double tolerance, bool *kept, int32_t *stack);

void turn_calipers(const Point *hull, int64_t count, Outline *outline);

#endif
