/* The rings of one thread: submissions, completions, and the turn that processes both. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "internal.h"

enum {
  MAGIC = 0x6d727831,
  /* Most calls of ucp_worker_progress for one link before the next link is visited. */
  PROGRESS_BUDGET = 64,
  /* Most completions of one call of ucp_worker_progress: UCX polls a bounded number of buffers. */
  PROGRESS_ROOM = 4096,
  /* Interval and duration of the sweeps for descriptors that a TCP link opens. */
  SWEEP_NS = 5000000,
  SWEPT_NS = 1000000000,
  /* How long mrx_quiet() waits for a thread to wake up, and how often it looks. */
  WAKING_NS = 100000000,
  LOOK_NS = 100000,
  /* How many threads are remembered as silenced. */
  SILENCED = 256,
};

/* All engines of this process. mrx_reap() finds those of a thread that has ended. */
static pthread_mutex_t guard = PTHREAD_MUTEX_INITIALIZER;
static mrx_engine *engines;
/* The last threads that were silenced, and their number: what they open from then on is quiet, too. */
static uint32_t silenced[SILENCED];
static uint32_t silenced_count;
/* Always readable; made when first needed. In its event set it wakes an engine that is asleep. */
static int alarm_fd = -1;

bool mrx_engine_is_open(const mrx_engine *engine) { return engine != NULL && engine->magic == MAGIC; }

static bool was_silenced(uint32_t owner) {
  for (uint32_t index = 0; index < silenced_count && index < SILENCED; index++) {
    if (silenced[index] == owner) return true;
  }
  return false;
}

mrx_engine *mrx_open(uint32_t owner) {
  if (mrx_ucp_loaded() == NULL) {
    mrx_fail(MRX_NO_LIBRARY, "UCX is not loaded");
    return NULL;
  }
  mrx_engine *engine = calloc(1, sizeof *engine);
  if (engine == NULL) return NULL;
  engine->magic = MAGIC;
  engine->owner = owner;
  engine->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  engine->rings = mrx_block_take(MRX_BLOCK_RINGS);
  if (engine->epoll_fd < 0 || engine->rings == NULL) {
    mrx_fail(MRX_NO_MEMORY, "opening the rings: %m");
    if (engine->epoll_fd >= 0) close(engine->epoll_fd);
    mrx_block_give(MRX_BLOCK_RINGS, engine->rings);
    free(engine);
    return NULL;
  }
  pthread_mutex_lock(&guard);
  engine->is_quiet = was_silenced(owner);
  engine->next = engines;
  engines = engine;
  pthread_mutex_unlock(&guard);
  return engine;
}

static void dispose(mrx_engine *engine) {
  engine->magic = 0;
  for (uint32_t slot = 0; slot < MRX_LINKS; slot++) {
    if (engine->links[slot].handle != 0) mrx_link_destroy(&engine->links[slot]);
  }
  for (uint32_t fabric = MRX_SHARED_MEMORY; fabric <= MRX_TCP; fabric++) {
    if (engine->contexts[fabric] != NULL) mrx_ucp_loaded()->cleanup(engine->contexts[fabric]);
  }
  close(engine->epoll_fd);
  mrx_block_give(MRX_BLOCK_RINGS, engine->rings);
  free(engine);
}

void mrx_close(mrx_engine *engine) {
  pthread_mutex_lock(&guard);
  mrx_engine **at = &engines;
  while (*at != NULL && *at != engine) at = &(*at)->next;
  bool is_known = engine != NULL && *at == engine;
  if (is_known) *at = engine->next;
  pthread_mutex_unlock(&guard);
  if (is_known) dispose(engine);
}

int32_t mrx_reap(uint32_t owner) {
  mrx_engine *dead = NULL;
  pthread_mutex_lock(&guard);
  for (mrx_engine **at = &engines; *at != NULL;) {
    mrx_engine *engine = *at;
    if (engine->owner != owner) {
      at = &engine->next;
      continue;
    }
    *at = engine->next;
    engine->next = dead;
    dead = engine;
  }
  pthread_mutex_unlock(&guard);
  int32_t count = 0;
  while (dead != NULL) {
    mrx_engine *engine = dead;
    dead = engine->next;
    dispose(engine);
    count++;
  }
  return count;
}

static uint64_t now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static bool is_thread_asleep(uint32_t owner) {
  bool is_asleep = false;
  pthread_mutex_lock(&guard);
  for (mrx_engine *engine = engines; engine != NULL; engine = engine->next) {
    if (engine->owner == owner && __atomic_load_n(&engine->is_asleep, __ATOMIC_SEQ_CST)) is_asleep = true;
  }
  pthread_mutex_unlock(&guard);
  return is_asleep;
}

/* From now on the engines cannot fall asleep. Those that are asleep wake up. */
static void wake_for_good(uint32_t owner) {
  pthread_mutex_lock(&guard);
  if (!was_silenced(owner)) silenced[silenced_count++ % SILENCED] = owner;
  if (alarm_fd < 0) alarm_fd = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
  for (mrx_engine *engine = engines; engine != NULL; engine = engine->next) {
    if (engine->owner != owner) continue;
    __atomic_store_n(&engine->is_quiet, true, __ATOMIC_SEQ_CST);
    struct epoll_event event = {.events = EPOLLIN};
    if (alarm_fd >= 0) epoll_ctl(engine->epoll_fd, EPOLL_CTL_ADD, alarm_fd, &event);
  }
  pthread_mutex_unlock(&guard);
}

static void remove_events(uint32_t owner) {
  pthread_mutex_lock(&guard);
  for (mrx_engine *engine = engines; engine != NULL; engine = engine->next) {
    if (engine->owner != owner) continue;
    if (alarm_fd >= 0) epoll_ctl(engine->epoll_fd, EPOLL_CTL_DEL, alarm_fd, NULL);
    /* Its thread may be closing a link right now. Removing a closed descriptor from the set does no harm. */
    for (uint32_t slot = 0; slot < MRX_LINKS; slot++) {
      int event_fd = __atomic_load_n(&engine->links[slot].event_fd, __ATOMIC_RELAXED);
      if (event_fd > 0) epoll_ctl(engine->epoll_fd, EPOLL_CTL_DEL, event_fd, NULL);
    }
  }
  pthread_mutex_unlock(&guard);
}

int32_t mrx_quiet(uint32_t owner) {
  wake_for_good(owner);
  uint64_t deadline = now_ns() + WAKING_NS;
  while (is_thread_asleep(owner) && now_ns() < deadline) nanosleep(&(struct timespec){.tv_nsec = LOOK_NS}, NULL);
  remove_events(owner);
  return is_thread_asleep(owner) ? 0 : 1;
}

int32_t mrx_engines(void) {
  int32_t count = 0;
  pthread_mutex_lock(&guard);
  for (mrx_engine *engine = engines; engine != NULL; engine = engine->next) count++;
  pthread_mutex_unlock(&guard);
  return count;
}

mrx_rings *mrx_rings_of(mrx_engine *engine) { return mrx_engine_is_open(engine) ? engine->rings : NULL; }

int32_t mrx_event_fd(mrx_engine *engine) {
  return mrx_engine_is_open(engine) ? engine->epoll_fd : mrx_fail(MRX_BAD_ARGUMENT, "no engine");
}

mrx_link *mrx_link_find(mrx_engine *engine, uint32_t handle) {
  if (!mrx_engine_is_open(engine) || handle == 0) return NULL;
  mrx_link *link = &engine->links[handle % MRX_LINKS];
  return link->handle == handle ? link : NULL;
}

/* ---- completions ---- */

uint32_t mrx_completions_free(const mrx_engine *engine) {
  const mrx_control *control = &engine->rings->control;
  uint32_t waiting = control->completion_tail - control->completion_head;
  return waiting > MRX_COMPLETIONS ? 0 : MRX_COMPLETIONS - waiting;
}

void mrx_complete(mrx_engine *engine, const mrx_completion *completion) {
  mrx_control *control = &engine->rings->control;
  engine->rings->completions[control->completion_tail % MRX_COMPLETIONS] = *completion;
  control->completion_tail++;
}

void mrx_link_fault(mrx_link *link, int32_t status) {
  if (link->fault != MRX_OK) return;
  link->fault = status;
  strncpy(link->reason, mrx_last_reason(), sizeof link->reason - 1);
}

/* The last MRX_LINKS entries of the ring are reserved for these: one per link. */
static void report_news(mrx_engine *engine, mrx_link *link) {
  if (mrx_completions_free(engine) == 0) return;
  if (link->fault != MRX_OK) {
    if (link->is_fault_reported) return;
    link->is_fault_reported = true;
    mrx_completion closed = {.kind = MRX_CLOSED, .link = link->handle, .status = link->fault};
    mrx_complete(engine, &closed);
  } else if (link->has_news) {
    link->has_news = false;
    mrx_completion granted = {.kind = MRX_GRANTED, .link = link->handle};
    mrx_complete(engine, &granted);
  }
}

/* ---- submissions ---- */

static const char *submit_frame(mrx_link *link, const mrx_submission *entry) {
  if (entry->lane >= MRX_LANES) return "a lane that does not exist";
  if (entry->kind == MRX_SEND_BLOCK) {
    mrx_transmit *transmit = &link->transmit[entry->lane];
    if (transmit->lent == NULL || entry->length > transmit->lent_length || entry->length <= MRX_FRAME_BYTES) {
      return "a block that was not lent";
    }
    uint8_t *block = transmit->lent;
    transmit->lent = NULL;
    return mrx_lane_submit(link, entry->lane, block, entry->length, true) == MRX_OK ? NULL : "too many frames";
  }
  bool is_in_slab = entry->length <= MRX_FRAME_BYTES && entry->offset >= MRX_HEADER_BYTES &&
                   entry->offset <= MRX_SLAB_BYTES - entry->length;
  if (!is_in_slab) return "a frame outside of its slab";
  uint8_t *bytes = link->slabs->transmit[entry->lane] + entry->offset;
  return mrx_lane_submit(link, entry->lane, bytes, entry->length, false) == MRX_OK ? NULL : "too many frames";
}

/* An invalid submission is a bug of our own side. It ends the link. */
static void submit(mrx_engine *engine, const mrx_submission *entry) {
  mrx_link *link = mrx_link_find(engine, entry->link);
  if (link == NULL) return; /* closed after the entry was written */
  const char *problem = NULL;
  switch (entry->kind) {
    case MRX_SEND:
    case MRX_SEND_BLOCK:
      problem = submit_frame(link, entry);
      break;
    case MRX_GRANT:
      link->grant_pending = true;
      break;
    default:
      problem = "an entry of an unknown kind";
  }
  if (problem == NULL) return;
  mrx_fail(MRX_BAD_ARGUMENT, "submitted: %s", problem);
  mrx_link_fault(link, MRX_BAD_ARGUMENT);
}

static void take_submissions(mrx_engine *engine) {
  mrx_control *control = &engine->rings->control;
  uint32_t waiting = control->submission_tail - control->submission_head;
  if (waiting > MRX_SUBMISSIONS) waiting = MRX_SUBMISSIONS;
  for (; waiting > 0; waiting--) {
    /* Copied, so that the checked entry cannot change before it is used. */
    mrx_submission entry = engine->rings->submissions[control->submission_head % MRX_SUBMISSIONS];
    control->submission_head++;
    submit(engine, &entry);
  }
}

/* ---- the turn ---- */

/* UCX accepts the peer's TCP connections on its own thread, at any time while the two ends connect. */
static void sweep_descriptors(mrx_link *link) {
  uint64_t now = now_ns();
  if (link->swept_until_ns == 0) link->swept_until_ns = now + SWEPT_NS;
  if (now < link->sweep_at_ns) return;
  link->sweep_at_ns = now < link->swept_until_ns ? now + SWEEP_NS : UINT64_MAX;
  mrx_descriptors_sweep();
}

static bool progress(mrx_engine *engine, mrx_link *link) {
  bool has_moved = false;
  for (uint32_t calls = 0; calls < PROGRESS_BUDGET && link->fault == MRX_OK; calls++) {
    if (mrx_completions_free(engine) < PROGRESS_ROOM) break;
    if (mrx_ucp_loaded()->worker_progress(link->worker) == 0) break;
    has_moved = true;
  }
  if (link->fabric == MRX_TCP && link->sweep_at_ns != UINT64_MAX) sweep_descriptors(link);
  return has_moved;
}

static void visit_links(mrx_engine *engine) {
  for (uint32_t slot = 0; slot < MRX_LINKS; slot++) {
    mrx_link *link = &engine->links[slot];
    if (link->handle == 0) continue;
    mrx_link_pump(link);
    if (link->fault == MRX_OK && progress(engine, link)) mrx_link_pump(link);
    report_news(engine, link);
  }
}

int32_t mrx_turn(mrx_engine *engine, uint32_t spin_us) {
  if (!mrx_engine_is_open(engine)) return mrx_fail(MRX_BAD_ARGUMENT, "no engine");
  mrx_control *control = &engine->rings->control;
  __atomic_store_n(&engine->is_asleep, false, __ATOMIC_SEQ_CST);
  __atomic_store_n(&control->in_turn, 1, __ATOMIC_RELAXED);
  control->turns++;
  take_submissions(engine);
  visit_links(engine);
  if (spin_us > 0 && control->completion_tail == control->completion_head) {
    uint64_t deadline = now_ns() + (uint64_t)spin_us * 1000u;
    do {
      visit_links(engine);
    } while (control->completion_tail == control->completion_head && now_ns() < deadline);
  }
  __atomic_store_n(&control->in_turn, 0, __ATOMIC_RELAXED);
  return (int32_t)(control->completion_tail - control->completion_head);
}

int32_t mrx_arm(mrx_engine *engine) {
  if (!mrx_engine_is_open(engine)) return mrx_fail(MRX_BAD_ARGUMENT, "no engine");
  int32_t armed = 1;
  for (uint32_t slot = 0; slot < MRX_LINKS; slot++) {
    mrx_link *link = &engine->links[slot];
    if (link->handle == 0 || link->fault != MRX_OK) continue;
    ucs_status_t status = mrx_ucp_loaded()->worker_arm(link->worker);
    if (status == UCS_OK) continue;
    if (status == UCS_ERR_BUSY && link->requests_used == 0) return 0;
    armed = 2;
  }
  __atomic_store_n(&engine->is_asleep, true, __ATOMIC_SEQ_CST);
  /* After the store: mrx_quiet() writes and reads the two flags in the other order. */
  if (!__atomic_load_n(&engine->is_quiet, __ATOMIC_SEQ_CST)) return armed;
  __atomic_store_n(&engine->is_asleep, false, __ATOMIC_SEQ_CST);
  return 0;
}
