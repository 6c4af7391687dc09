/*
 * UCX opens sockets, epoll sets and files, some of them on its own thread. Child processes would inherit them. A sweep sets close-on-exec
 * on every descriptor that has become inheritable since UCX was loaded; older ones stay inheritable. Node itself opens no inheritable
 * descriptors.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "internal.h"

static struct {
  int count;
  int capacity;
  int *descriptors;
} before;

static pthread_mutex_t guard = PTHREAD_MUTEX_INITIALIZER;

static bool is_inheritable(int descriptor) {
  int flags = fcntl(descriptor, F_GETFD);
  return flags >= 0 && (flags & FD_CLOEXEC) == 0;
}

/* Calls `visit` for each inheritable descriptor. */
static void each_inheritable(void (*visit)(int descriptor)) {
  DIR *folder = opendir("/proc/self/fd");
  if (folder == NULL) return;
  for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
    if (entry->d_name[0] == '.') continue;
    int descriptor = atoi(entry->d_name);
    if (descriptor > STDERR_FILENO && is_inheritable(descriptor)) visit(descriptor);
  }
  closedir(folder);
}

static void remember(int descriptor) {
  if (before.count == before.capacity) {
    int capacity = before.capacity == 0 ? 64 : before.capacity * 2;
    int *grown = realloc(before.descriptors, (size_t)capacity * sizeof(int));
    if (grown == NULL) return;
    before.descriptors = grown;
    before.capacity = capacity;
  }
  before.descriptors[before.count++] = descriptor;
}

static void close_on_exec(int descriptor) {
  for (int i = 0; i < before.count; i++) {
    if (before.descriptors[i] == descriptor) return;
  }
  fcntl(descriptor, F_SETFD, FD_CLOEXEC);
}

void mrx_descriptors_remember(void) {
  pthread_mutex_lock(&guard);
  before.count = 0;
  each_inheritable(remember);
  pthread_mutex_unlock(&guard);
}

void mrx_descriptors_sweep(void) {
  pthread_mutex_lock(&guard);
  each_inheritable(close_on_exec);
  pthread_mutex_unlock(&guard);
}
