/* Preloaded into a process: its clocks are those of the machine, moved by what a file says.
 *
 * MOVED_CLOCK: a file of two 64-bit numbers, read at every call: nanoseconds that the time of day is ahead, and
 * nanoseconds that CLOCK_BOOTTIME is. A step of the time of day moves the first alone; a suspend moves both, for
 * CLOCK_BOOTTIME counts on in it, and leaves CLOCK_MONOTONIC as it is. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>

static const volatile int64_t *moved;
static int (*real_clock_gettime)(clockid_t, struct timespec *);

__attribute__((constructor)) static void begin(void)
{
    const char *path = getenv("MOVED_CLOCK");
    int file = path == NULL ? -1 : open(path, O_RDONLY | O_CLOEXEC);
    real_clock_gettime = dlsym(RTLD_NEXT, "clock_gettime");
    if (file >= 0) {
        void *map = mmap(NULL, 16, PROT_READ, MAP_SHARED, file, 0);
        if (map != MAP_FAILED)
            moved = map;
    }
}

static void move(struct timespec *at, int64_t by_ns)
{
    int64_t ns = at->tv_nsec + by_ns % 1000000000;
    at->tv_sec += by_ns / 1000000000 + (ns >= 1000000000) - (ns < 0);
    at->tv_nsec = ns + (ns < 0) * 1000000000 - (ns >= 1000000000) * 1000000000;
}

int clock_gettime(clockid_t clock, struct timespec *at)
{
    int answer = real_clock_gettime(clock, at);
    if (answer == 0 && moved != NULL && clock == CLOCK_REALTIME)
        move(at, moved[0]);
    if (answer == 0 && moved != NULL && clock == CLOCK_BOOTTIME)
        move(at, moved[1]);
    return answer;
}

time_t time(time_t *where)
{
    struct timespec at;
    clock_gettime(CLOCK_REALTIME, &at);
    if (where != NULL)
        *where = at.tv_sec;
    return at.tv_sec;
}

int gettimeofday(struct timeval *restrict at, void *restrict zone)
{
    struct timespec now;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &now);
    at->tv_sec = now.tv_sec;
    at->tv_usec = now.tv_nsec / 1000;
    return 0;
}
