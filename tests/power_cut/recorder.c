/* Preloaded into a process: writes down, in order, what it asks the file system for in one folder.
 *
 * POWER_CUT_FOLDER: files below it are recorded (but NAME-shm, which is memory that no power cut keeps).
 * POWER_CUT_LOG:    where to; several processes may share it.
 *
 * A record: kind (1 byte), process (4), thread (4), file (8: inode), offset (8), size (8), then `size` bytes of data.
 * Writes are written down before they are made, a sync before it begins and again when it is done: what was
 * written before a sync began is safe when it is done, and nothing else is. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define MOST_FILES 4096

static char folder[4096];
static size_t folder_length;
static int log_file = -1;
static unsigned char watched[MOST_FILES];
static uint64_t inode_of[MOST_FILES];

static int (*real_open)(const char *, int, ...);
static int (*real_open64)(const char *, int, ...);
static ssize_t (*real_pwrite64)(int, const void *, size_t, off_t);
static ssize_t (*real_write)(int, const void *, size_t);
static int (*real_ftruncate64)(int, off_t);
static int (*real_fsync)(int);
static int (*real_fdatasync)(int);
static int (*real_unlink)(const char *);
static int (*real_rename)(const char *, const char *);
static int (*real_close)(int);

__attribute__((constructor)) static void begin(void)
{
    const char *wanted = getenv("POWER_CUT_FOLDER"), *path = getenv("POWER_CUT_LOG");
    real_open = dlsym(RTLD_NEXT, "open");
    real_open64 = dlsym(RTLD_NEXT, "open64");
    real_pwrite64 = dlsym(RTLD_NEXT, "pwrite64");
    real_write = dlsym(RTLD_NEXT, "write");
    real_ftruncate64 = dlsym(RTLD_NEXT, "ftruncate64");
    real_fsync = dlsym(RTLD_NEXT, "fsync");
    real_fdatasync = dlsym(RTLD_NEXT, "fdatasync");
    real_unlink = dlsym(RTLD_NEXT, "unlink");
    real_rename = dlsym(RTLD_NEXT, "rename");
    real_close = dlsym(RTLD_NEXT, "close");
    if (wanted == NULL || path == NULL)
        return;
    strncpy(folder, wanted, sizeof folder - 1);
    folder_length = strlen(folder);
    log_file = real_open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
}

static void record(char kind, uint64_t file, uint64_t offset, const void *data, uint64_t size)
{
    char head[33];
    uint32_t process = (uint32_t)getpid(), thread = (uint32_t)syscall(SYS_gettid);
    int saved = errno;
    head[0] = kind;
    memcpy(head + 1, &process, 4);
    memcpy(head + 5, &thread, 4);
    memcpy(head + 9, &file, 8);
    memcpy(head + 17, &offset, 8);
    memcpy(head + 25, &size, 8);
    struct iovec parts[2] = {{head, sizeof head}, {(void *)data, size}};
    /* One appending write: whole, and in order with those of other threads and processes. */
    if (writev(log_file, parts, size ? 2 : 1) != (ssize_t)(sizeof head + size))
        abort();
    errno = saved;
}

static int is_ours(const char *path)
{
    size_t length = strlen(path);
    return log_file >= 0 && strncmp(path, folder, folder_length) == 0 && path[folder_length] == '/' &&
           !(length > 4 && strcmp(path + length - 4, "-shm") == 0);
}

static int is_watched(int file) { return file >= 0 && file < MOST_FILES && watched[file]; }

static int opened(int file, const char *path, int flags)
{
    struct stat found;
    if (file < 0 || file >= MOST_FILES)
        return file;
    watched[file] = 0;
    if (log_file >= 0 && fstat(file, &found) == 0) {
        int whole_folder = strcmp(path, folder) == 0;
        if (whole_folder || is_ours(path)) {
            watched[file] = 1;
            inode_of[file] = whole_folder ? 0 : found.st_ino;
            if (!whole_folder && !S_ISDIR(found.st_mode))
                record('N', found.st_ino, 0, path + folder_length + 1, strlen(path) - folder_length - 1);
            if (!whole_folder && (flags & O_TRUNC))
                record('T', found.st_ino, 0, NULL, 0);
        }
    }
    return file;
}

static mode_t mode_of(int flags, va_list rest) { return flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0; }

int open(const char *path, int flags, ...)
{
    va_list rest;
    va_start(rest, flags);
    mode_t mode = mode_of(flags, rest);
    va_end(rest);
    return opened(real_open(path, flags, mode), path, flags);
}

int open64(const char *path, int flags, ...)
{
    va_list rest;
    va_start(rest, flags);
    mode_t mode = mode_of(flags, rest);
    va_end(rest);
    return opened(real_open64(path, flags, mode), path, flags);
}

int close(int file)
{
    if (file >= 0 && file < MOST_FILES)
        watched[file] = 0;
    return real_close(file);
}

ssize_t pwrite64(int file, const void *data, size_t size, off_t offset)
{
    if (is_watched(file))
        record('W', inode_of[file], (uint64_t)offset, data, size);
    return real_pwrite64(file, data, size, offset);
}

ssize_t write(int file, const void *data, size_t size)
{
    if (is_watched(file))
        record('W', inode_of[file], (uint64_t)lseek(file, 0, SEEK_CUR), data, size);
    else if (file == STDOUT_FILENO && log_file >= 0)
        record('M', 0, 0, data, size); /* the world was told */
    return real_write(file, data, size);
}

int ftruncate64(int file, off_t size)
{
    if (is_watched(file))
        record('T', inode_of[file], (uint64_t)size, NULL, 0);
    return real_ftruncate64(file, size);
}

static int synced(int file, int (*sync)(int))
{
    if (!is_watched(file))
        return sync(file);
    record('s', inode_of[file], 0, NULL, 0);
    int answer = sync(file);
    if (answer == 0)
        record('S', inode_of[file], 0, NULL, 0);
    return answer;
}

int fsync(int file) { return synced(file, real_fsync); }

int fdatasync(int file) { return synced(file, real_fdatasync); }

int unlink(const char *path)
{
    if (is_ours(path))
        record('U', 0, 0, path + folder_length + 1, strlen(path) - folder_length - 1);
    return real_unlink(path);
}

int rename(const char *from, const char *to)
{
    if (is_ours(from) && is_ours(to)) {
        char names[8192];
        size_t first = strlen(from) - folder_length - 1, second = strlen(to) - folder_length - 1;
        memcpy(names, from + folder_length + 1, first);
        names[first] = 0;
        memcpy(names + first + 1, to + folder_length + 1, second);
        record('R', 0, 0, names, first + 1 + second);
    }
    return real_rename(from, to);
}
