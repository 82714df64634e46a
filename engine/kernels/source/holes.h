/* Holes inside one body: facets that reflect like the background; not gaps between bodies. */
#ifndef HOLES_H
#define HOLES_H

#include "parts.h"

/* The body that each part of the background is to be filled with, by its number from 1; 0 where with none.
 *
 * A hole is background that does not reach the image's border and is enclosed by one body only. It is filled up to
 * `area_px`, or up to `fraction` of the body's own area. */
int64_t find_bodies_of_holes(const Runs *runs, const Parts *parts, const int32_t *labels, int64_t width,
                             const double *areas, double area_px, double fraction, int32_t *body_of_hole, Room room);

#endif
