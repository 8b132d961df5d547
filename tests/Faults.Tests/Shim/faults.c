// Stands between the program and the C library (LD_PRELOAD), and lets the n-th call of a kind fail that concerns a file below
// one folder. It can also log these calls with their data, so that a test can work out what a power failure would have left.
// It does nothing until faults_arm or faults_log is called in the process.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

enum kind { OPEN_TO_READ, OPEN_TO_WRITE, READ, WRITE, SYNC, RENAME, UNLINK, MKDIR, RESIZE, KINDS };

// A call that moves fewer bytes than it was asked to. That is no error.
#define SHORT (-1)
#define FILES 4096

static char root[4096];
static struct { int kind, error, forever; long n, seen[KINDS]; } armed = { .kind = -1 };
static char *names[FILES];
static int log_file = -1;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void *next(const char *name) { return dlsym(RTLD_NEXT, name); }
#define NEXT(function) static __typeof__(function) *real; if (!real) real = next(#function)

static int below(const char *path) {
  size_t length = strlen(root);
  return length > 0 && strncmp(path, root, length) == 0 && (path[length] == '/' || path[length] == 0);
}

// Returns 0 if the call may go on, SHORT if it is to move less, or the error that it ends with.
static int fault(enum kind kind) {
  pthread_mutex_lock(&lock);
  long seen = ++armed.seen[kind];
  int fails = armed.kind == (int)kind && (seen == armed.n || (armed.forever && seen > armed.n));
  int error = fails ? armed.error : 0;
  pthread_mutex_unlock(&lock);
  return error;
}

static const char *name_of(int file) { return file >= 0 && file < FILES ? names[file] : NULL; }

static void record(char what, const char *path, const char *other, int64_t at, const void *data, int64_t length) {
  if (log_file < 0) return;
  NEXT(write);
  pthread_mutex_lock(&lock);
  int32_t first = (int32_t)strlen(path), second = other ? (int32_t)strlen(other) : 0;
  char head[1 + 4 + 4 + 8 + 8];
  head[0] = what;
  memcpy(head + 1, &first, 4); memcpy(head + 5, &second, 4); memcpy(head + 9, &at, 8); memcpy(head + 17, &length, 8);
  if (real(log_file, head, sizeof head) < 0 || real(log_file, path, first) < 0 || (second && real(log_file, other, second) < 0))
    abort();
  for (int64_t done = 0; done < length; ) {
    ssize_t part = real(log_file, (const char *)data + done, (size_t)(length - done));
    if (part <= 0) abort();
    done += part;
  }
  pthread_mutex_unlock(&lock);
}

// The functions that tests call.

void faults_root(const char *folder) { snprintf(root, sizeof root, "%s", folder); }

void faults_arm(int kind, long n, int error, int forever) {
  pthread_mutex_lock(&lock);
  memset(armed.seen, 0, sizeof armed.seen);
  armed.kind = kind; armed.n = n; armed.error = error; armed.forever = forever;
  pthread_mutex_unlock(&lock);
}

long faults_seen(int kind) { return armed.seen[kind]; }

int faults_open(void) {
  int count = 0;
  for (int i = 0; i < FILES; i++) count += names[i] != NULL;
  return count;
}

int faults_log(const char *path) {
  NEXT(open);
  if (log_file >= 0) { close(log_file); log_file = -1; }
  if (path) log_file = real(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
  return log_file;
}

// The calls of the C library.

static int opened(int file, const char *path, int flags, int existed) {
  if (file < 0 || file >= FILES) return file;
  names[file] = strdup(path);
  if (flags & O_CREAT && !existed) record('c', path, NULL, 0, NULL, 0);
  if (flags & O_TRUNC) record('t', path, NULL, 0, NULL, 0);
  return file;
}

#define OPEN(function)                                                                        \
  int function(const char *path, int flags, ...) {                                            \
    NEXT(function);                                                                           \
    va_list more;                                                                             \
    va_start(more, flags);                                                                    \
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(more, mode_t) : 0;                   \
    va_end(more);                                                                             \
    if (!below(path)) return real(path, flags, mode);                                         \
    int writes = (flags & O_ACCMODE) != O_RDONLY;                                             \
    int error = fault(writes ? OPEN_TO_WRITE : OPEN_TO_READ);                                 \
    if (error > 0) { errno = error; return -1; }                                              \
    int existed = access(path, F_OK) == 0;                                                    \
    return opened(real(path, flags, mode), path, flags, existed);                             \
  }
OPEN(open)
OPEN(open64)

int close(int file) {
  NEXT(close);
  if (name_of(file)) { free(names[file]); names[file] = NULL; }
  return real(file);
}

static size_t shorter(int error, size_t length) { return error == SHORT && length > 1 ? length / 2 : length; }

ssize_t read(int file, void *data, size_t length) {
  NEXT(read);
  if (!name_of(file)) return real(file, data, length);
  int error = fault(READ);
  if (error > 0) { errno = error; return -1; }
  return real(file, data, shorter(error, length));
}

#define PREAD(function, offset)                                                               \
  ssize_t function(int file, void *data, size_t length, offset at) {                          \
    NEXT(function);                                                                           \
    if (!name_of(file)) return real(file, data, length, at);                                  \
    int error = fault(READ);                                                                  \
    if (error > 0) { errno = error; return -1; }                                              \
    return real(file, data, shorter(error, length), at);                                      \
  }
PREAD(pread, off_t)
PREAD(pread64, off64_t)

ssize_t write(int file, const void *data, size_t length) {
  NEXT(write);
  if (!name_of(file)) return real(file, data, length);
  int error = fault(WRITE);
  if (error > 0) { errno = error; return -1; }
  off_t at = lseek(file, 0, SEEK_CUR);
  ssize_t done = real(file, data, shorter(error, length));
  if (done > 0) record('w', names[file], NULL, at, data, done);
  return done;
}

#define PWRITE(function, offset)                                                              \
  ssize_t function(int file, const void *data, size_t length, offset at) {                    \
    NEXT(function);                                                                           \
    if (!name_of(file)) return real(file, data, length, at);                                  \
    int error = fault(WRITE);                                                                 \
    if (error > 0) { errno = error; return -1; }                                              \
    ssize_t done = real(file, data, shorter(error, length), at);                              \
    if (done > 0) record('w', names[file], NULL, at, data, done);                             \
    return done;                                                                              \
  }
PWRITE(pwrite, off_t)
PWRITE(pwrite64, off64_t)

#define RESIZING(function, offset)                                                            \
  int function(int file, offset length) {                                                     \
    NEXT(function);                                                                           \
    if (!name_of(file)) return real(file, length);                                            \
    int error = fault(RESIZE);                                                                \
    if (error > 0) { errno = error; return -1; }                                              \
    int result = real(file, length);                                                          \
    if (result == 0) record('t', names[file], NULL, length, NULL, 0);                         \
    return result;                                                                            \
  }
RESIZING(ftruncate, off_t)
RESIZING(ftruncate64, off64_t)

int fsync(int file) {
  NEXT(fsync);
  // The runtime opens no folders, so one comes here that was opened behind the back of this library.
  char link[64], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", file);
  ssize_t length = readlink(link, path, sizeof path - 1);
  path[length > 0 ? length : 0] = 0;
  if (!below(path)) return real(file);
  int error = fault(SYNC);
  if (error > 0) { errno = error; return -1; }
  int result = real(file);
  if (result == 0) record('s', path, NULL, 0, NULL, 0);
  return result;
}

int rename(const char *from, const char *to) {
  NEXT(rename);
  if (!below(to)) return real(from, to);
  int error = fault(RENAME);
  if (error > 0) { errno = error; return -1; }
  int result = real(from, to);
  if (result == 0) record('r', from, to, 0, NULL, 0);
  return result;
}

int unlink(const char *path) {
  NEXT(unlink);
  if (!below(path)) return real(path);
  int error = fault(UNLINK);
  if (error > 0) { errno = error; return -1; }
  int result = real(path);
  if (result == 0) record('u', path, NULL, 0, NULL, 0);
  return result;
}

int mkdir(const char *path, mode_t mode) {
  NEXT(mkdir);
  if (!below(path)) return real(path, mode);
  int error = fault(MKDIR);
  if (error > 0) { errno = error; return -1; }
  return real(path, mode);
}
