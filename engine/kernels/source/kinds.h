/* Kinds of pixels. */
#ifndef KINDS_H
#define KINDS_H

#include "kernels.h"

enum { BACKGROUND = 0, CONTACT = 1, CORE = 2 };

#endif
