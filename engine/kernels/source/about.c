/* What the library says of itself. */
#include "kernels.h"

#ifndef KERNEL_SOURCES
#define KERNEL_SOURCES "unknown"
#endif

/* SHA-256 of the files that it was made of, and of the compiler's options. */
EXPORT const char *kernels_sources(void) { return KERNEL_SOURCES; }

EXPORT const char *kernels_compiler(void) {
#if defined(__clang__)
    return "clang " __clang_version__;
#elif defined(__GNUC__)
    return "gcc " __VERSION__;
#else
    return "another";
#endif
}
