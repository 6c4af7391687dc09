/*
 * Blocks of memory that JavaScript has views of. Views cannot be revoked, so a block is never unmapped: its pages return to the system,
 * and the next engine or link of this process reuses it.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include "internal.h"

/* Stored in the first bytes of a free block. */
typedef struct free_block {
  struct free_block *next;
} free_block;

static pthread_mutex_t guard = PTHREAD_MUTEX_INITIALIZER;
static free_block *free_blocks[2];

static size_t size_of(mrx_block_kind kind) { return kind == MRX_BLOCK_RINGS ? sizeof(mrx_rings) : sizeof(mrx_slabs); }

void *mrx_block_take(mrx_block_kind kind) {
  pthread_mutex_lock(&guard);
  free_block *block = free_blocks[kind];
  if (block != NULL) free_blocks[kind] = block->next;
  pthread_mutex_unlock(&guard);
  if (block != NULL) {
    block->next = NULL;
    return block;
  }
  /* A guard page follows the block: a write past the end faults instead of changing another block. */
  size_t page = (size_t)sysconf(_SC_PAGESIZE);
  size_t size = (size_of(kind) + page - 1) & ~(page - 1);
  uint8_t *fresh = mmap(NULL, size + page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (fresh != MAP_FAILED && mprotect(fresh, size, PROT_READ | PROT_WRITE) == 0) return fresh;
  mrx_fail(MRX_NO_MEMORY, "no memory for %zu bytes", size);
  if (fresh != MAP_FAILED) munmap(fresh, size + page);
  return NULL;
}

void mrx_block_give(mrx_block_kind kind, void *block) {
  if (block == NULL) return;
  madvise(block, size_of(kind), MADV_DONTNEED);
  free_block *entry = block;
  pthread_mutex_lock(&guard);
  entry->next = free_blocks[kind];
  free_blocks[kind] = entry;
  pthread_mutex_unlock(&guard);
}
