/*
 * Tests the rings alone: two engines in one process, connected over shared memory or TCP on loopback. `native-shims/build.mjs --test`
 * builds it with AddressSanitizer. Prints one line per test. Exits with 1 at the first failure.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../internal.h"

#define CHECK(condition)                                                                          \
  do {                                                                                            \
    if (!(condition)) {                                                                           \
      fprintf(stderr, "%s:%d: failed: %s (%s)\n", __FILE__, __LINE__, #condition, mrx_last_reason()); \
      exit(1);                                                                                    \
    }                                                                                             \
  } while (0)

/* forged_segments.c */
int forged_segments(void);

enum { TURNS = 2000000, HISTORY = 65536, TOKEN = 77, CONTROL = 0, DATA = 1, BLOCKS = MRX_BLOCKS };

typedef struct {
  mrx_engine *engine;
  mrx_rings *rings;
  uint32_t link;
  mrx_slabs *slabs;
  mrx_link_words *words;
  mrx_completion history[HISTORY];
  uint32_t count;
  bool holds_frames; /* does not read received frames */
  bool lends_nothing; /* lends no blocks */
  uint8_t *blocks[BLOCKS]; /* of one lane */
  uint32_t lent;
  uint32_t filled;
  uint64_t sum;
} end;

static end one;
static end other;

/* The thread of the engines, as they are told. */
static uint32_t owner = 1;

static void open_end(end *self, uint32_t fabric) {
  memset(self, 0, sizeof *self);
  self->engine = mrx_open(owner);
  CHECK(self->engine != NULL);
  self->rings = mrx_rings_of(self->engine);
  int64_t link = mrx_link_open(self->engine, fabric, "lo", TOKEN);
  CHECK(link > 0);
  self->link = (uint32_t)link;
  self->slabs = mrx_link_slabs(self->engine, self->link);
  self->words = &self->rings->links[self->link % MRX_LINKS];
}

static void join(end *from, end *to, uint64_t token) {
  uint8_t address[MRX_ADDRESS_BYTES];
  int32_t length = mrx_link_address(to->engine, to->link, address, sizeof address);
  CHECK(length > 0);
  CHECK(mrx_link_connect(from->engine, from->link, address, (uint32_t)length, token) == MRX_OK);
}

static mrx_submission *entry_of(end *self, uint32_t kind) {
  mrx_submission *entry = &self->rings->submissions[self->rings->control.submission_tail++ % MRX_SUBMISSIONS];
  *entry = (mrx_submission){.kind = kind, .link = self->link};
  return entry;
}

static void send_at(end *self, uint32_t lane, uint32_t offset, uint32_t length) {
  mrx_submission *entry = entry_of(self, MRX_SEND);
  entry->lane = lane;
  entry->offset = offset;
  entry->length = length;
}

static void read_frame(end *self, const mrx_completion *entry) {
  const uint8_t *bytes = entry->kind == MRX_RECEIVED ? self->slabs->receive[entry->lane] + entry->offset
                                                     : self->blocks[self->filled++ % BLOCKS];
  for (uint32_t i = 0; i < entry->length; i++) self->sum += bytes[i];
  if (entry->kind == MRX_RECEIVED) self->words->released[entry->lane] = entry->position;
  self->words->granted[entry->lane] += entry->length + MRX_FRAME_COST;
}

static void lend(end *self, uint32_t lane, uint32_t length) {
  uint8_t **block = &self->blocks[self->lent++ % BLOCKS];
  *block = realloc(*block, length);
  CHECK(mrx_lend_receive(self->engine, self->link, lane, *block, length) == MRX_OK);
}

static void turn(end *self) {
  CHECK(mrx_turn(self->engine, 0) >= 0);
  mrx_control *control = &self->rings->control;
  for (; control->completion_head != control->completion_tail; control->completion_head++) {
    mrx_completion *entry = &self->rings->completions[control->completion_head % MRX_COMPLETIONS];
    CHECK(self->count < HISTORY);
    self->history[self->count++] = *entry;
    bool is_frame = entry->kind == MRX_RECEIVED || entry->kind == MRX_RECEIVED_BLOCK;
    if (is_frame && !self->holds_frames) read_frame(self, entry);
    if (entry->kind == MRX_ANNOUNCED && !self->lends_nothing) lend(self, entry->lane, entry->length);
  }
}

static uint32_t count_of(const end *self, uint32_t kind) {
  uint32_t count = 0;
  for (uint32_t i = 0; i < self->count; i++) count += self->history[i].kind == kind;
  return count;
}

/* Turns both until `self` has `count` completions of a kind. */
static void await(end *self, uint32_t kind, uint32_t count) {
  for (int turns = 0; turns < TURNS; turns++) {
    if (count_of(self, kind) >= count) return;
    turn(&one);
    turn(&other);
  }
  fprintf(stderr, "timed out waiting for %u of kind %u: %s\n", count, kind, mrx_link_reason(self->engine, self->link));
  exit(1);
}

static void open_pair(uint32_t fabric) {
  open_end(&one, fabric);
  open_end(&other, fabric);
  join(&one, &other, TOKEN);
  join(&other, &one, TOKEN);
  await(&one, MRX_CONNECTED, 1);
  await(&other, MRX_CONNECTED, 1);
}

static void close_pair(void) {
  mrx_close(one.engine);
  mrx_close(other.engine);
  for (uint32_t i = 0; i < BLOCKS; i++) {
    free(one.blocks[i]);
    free(other.blocks[i]);
  }
}

static int32_t closed_status(const end *self) {
  for (uint32_t i = 0; i < self->count; i++) {
    if (self->history[i].kind == MRX_CLOSED) return self->history[i].status;
  }
  return MRX_OK;
}

/* ---- tests ---- */

static void frames_arrive(uint32_t fabric) {
  open_pair(fabric);
  const uint32_t lengths[] = {0, 1, 64, 100, 8191, 8192, 8193, 20000, MRX_FRAME_BYTES};
  uint64_t sum = 0;
  uint32_t sent = 0;
  for (uint32_t round = 0; round < 60; round++) {
    for (uint32_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
      uint32_t lane = (round + i) % 2;
      memset(one.slabs->transmit[lane] + MRX_HEADER_BYTES, (int)(i + 1), lengths[i]);
      sum += (uint64_t)lengths[i] * (i + 1);
      send_at(&one, lane, MRX_HEADER_BYTES, lengths[i]);
      sent++;
      await(&other, MRX_RECEIVED, sent);
      await(&one, MRX_SENT, sent);
    }
  }
  CHECK(other.sum == sum);
  CHECK(other.words->frames_received[0] + other.words->frames_received[1] == sent);
  CHECK(one.words->frames_sent[0] + one.words->frames_sent[1] == sent);
  close_pair();
}

static void order_holds(uint32_t fabric) {
  open_pair(fabric);
  for (uint32_t i = 0; i < 1000; i++) {
    one.slabs->transmit[DATA][MRX_HEADER_BYTES + i * 64] = (uint8_t)i;
    send_at(&one, DATA, MRX_HEADER_BYTES + i * 64, 1);
  }
  other.holds_frames = true;
  await(&other, MRX_RECEIVED, 1000);
  uint32_t next = 0;
  for (uint32_t i = 0; i < other.count; i++) {
    if (other.history[i].kind != MRX_RECEIVED) continue;
    CHECK(other.slabs->receive[DATA][other.history[i].offset] == (uint8_t)next);
    next++;
  }
  close_pair();
}

static void blocks_travel(uint32_t fabric) {
  open_pair(fabric);
  const uint32_t lengths[] = {MRX_FRAME_BYTES + 1, 1000000, 16u * 1024 * 1024 + MRX_FRAME_BYTES};
  for (uint32_t i = 0; i < 3; i++) {
    uint8_t *block = malloc(lengths[i]);
    memset(block, 3, lengths[i]);
    CHECK(mrx_lend_transmit(one.engine, one.link, DATA, block, lengths[i]) == MRX_OK);
    CHECK(mrx_lend_transmit(one.engine, one.link, DATA, block, lengths[i]) == MRX_BAD_ARGUMENT);
    mrx_submission *entry = entry_of(&one, MRX_SEND_BLOCK);
    entry->lane = DATA;
    entry->length = lengths[i];
    send_at(&one, DATA, MRX_HEADER_BYTES, 10);
    other.sum = 0;
    await(&other, MRX_RECEIVED_BLOCK, i + 1);
    CHECK(other.sum == 3ull * lengths[i]);
    await(&other, MRX_RECEIVED, i + 1);
    await(&one, MRX_SENT, 2 * i + 2);
    free(block);
  }
  close_pair();
}

/* Some blocks are announced ahead of time, but at most MRX_BLOCKS. */
static void blocks_are_announced_ahead(uint32_t fabric) {
  open_pair(fabric);
  other.lends_nothing = true;
  const uint32_t length = 100000;
  uint8_t *blocks[2 * BLOCKS];
  for (uint32_t i = 0; i < 2 * BLOCKS; i++) {
    blocks[i] = malloc(length + i);
    memset(blocks[i], (int)i + 1, length + i);
    CHECK(mrx_lend_transmit(one.engine, one.link, DATA, blocks[i], length + i) == MRX_OK);
    mrx_submission *entry = entry_of(&one, MRX_SEND_BLOCK);
    entry->lane = DATA;
    entry->length = length + i;
    send_at(&one, DATA, i * 128 + MRX_HEADER_BYTES, 10);
    turn(&one);
  }
  await(&other, MRX_ANNOUNCED, BLOCKS);
  for (uint32_t turns = 0; turns < 100; turns++) {
    turn(&one);
    turn(&other);
  }
  CHECK(count_of(&other, MRX_ANNOUNCED) == BLOCKS);
  CHECK(count_of(&other, MRX_RECEIVED_BLOCK) == 0 && count_of(&other, MRX_RECEIVED) == 0);
  CHECK(mrx_lend_receive(other.engine, other.link, DATA, blocks[0], length + 1) == MRX_BAD_ARGUMENT);
  for (uint32_t i = 0; i < BLOCKS; i++) lend(&other, DATA, length + i);
  CHECK(mrx_lend_receive(other.engine, other.link, DATA, blocks[0], length + BLOCKS) == MRX_BAD_ARGUMENT);
  other.lends_nothing = false;
  await(&other, MRX_RECEIVED_BLOCK, 2 * BLOCKS);
  uint64_t sum = 0;
  for (uint32_t i = 0; i < 2 * BLOCKS; i++) sum += (i + 1ull) * (length + i);
  await(&other, MRX_RECEIVED, 2 * BLOCKS);
  CHECK(other.sum == sum);
  await(&one, MRX_SENT, 4 * BLOCKS);
  for (uint32_t i = 0; i < 2 * BLOCKS; i++) free(blocks[i]);
  close_pair();
}

/* The receiver lends no block, so the data lane is blocked. */
static void control_passes_a_block(uint32_t fabric) {
  open_pair(fabric);
  other.lends_nothing = true;
  uint8_t *block = calloc(1, 1000000);
  CHECK(mrx_lend_transmit(one.engine, one.link, DATA, block, 1000000) == MRX_OK);
  mrx_submission *entry = entry_of(&one, MRX_SEND_BLOCK);
  entry->lane = DATA;
  entry->length = 1000000;
  await(&other, MRX_ANNOUNCED, 1);
  send_at(&one, CONTROL, MRX_HEADER_BYTES, 10);
  await(&other, MRX_RECEIVED, 1);
  CHECK(count_of(&other, MRX_RECEIVED_BLOCK) == 0);
  close_pair();
  free(block);
}

static void credit_comes_back(uint32_t fabric) {
  open_pair(fabric);
  send_at(&one, DATA, MRX_HEADER_BYTES, 100);
  await(&other, MRX_RECEIVED, 1);
  CHECK(one.words->peer_granted[DATA] == 0);
  entry_of(&other, MRX_GRANT);
  await(&one, MRX_GRANTED, 1);
  CHECK(one.words->peer_granted[DATA] == 100 + MRX_FRAME_COST);
  close_pair();
}

/* Checks that UCX has applied our settings: it silently ignores unknown ones. */
static void a_window_needs_no_reader(void) {
  open_pair(MRX_SHARED_MEMORY);
  uint32_t frames = 120;
  /* The first frame of its size makes UCX ask the peer. */
  send_at(&one, DATA, MRX_HEADER_BYTES, 8192);
  await(&other, MRX_RECEIVED, 1);
  await(&one, MRX_SENT, 1);
  for (uint32_t i = 0; i < frames; i++) send_at(&one, DATA, i * 8256 + MRX_HEADER_BYTES, 8192);
  for (uint32_t turns = 0; turns < 100; turns++) turn(&one);
  CHECK(count_of(&one, MRX_SENT) == frames + 1);
  await(&other, MRX_RECEIVED, frames + 1);
  close_pair();
}

static void excess_ends_the_link(void) {
  open_pair(MRX_SHARED_MEMORY);
  other.holds_frames = true;
  const uint32_t stride = MRX_FRAME_BYTES + 64;
  for (uint32_t i = 0; i < 30; i++) send_at(&one, DATA, i % 18 * stride + MRX_HEADER_BYTES, MRX_FRAME_BYTES);
  await(&other, MRX_CLOSED, 1);
  CHECK(closed_status(&other) == MRX_PROTOCOL);
  CHECK(count_of(&other, MRX_RECEIVED) == MRX_SLAB_BYTES / MRX_FRAME_BYTES);
  close_pair();
}

static void false_credit_ends_the_link(void) {
  open_pair(MRX_SHARED_MEMORY);
  other.words->granted[DATA] = 1;
  entry_of(&other, MRX_GRANT);
  await(&one, MRX_CLOSED, 1);
  CHECK(closed_status(&one) == MRX_PROTOCOL);
  close_pair();
}

static void wrong_token_ends_the_link(void) {
  open_end(&one, MRX_SHARED_MEMORY);
  open_end(&other, MRX_SHARED_MEMORY);
  join(&one, &other, TOKEN + 1);
  join(&other, &one, TOKEN);
  await(&other, MRX_CLOSED, 1);
  CHECK(closed_status(&other) == MRX_PROTOCOL);
  CHECK(strstr(mrx_link_reason(other.engine, other.link), "another link") != NULL);
  close_pair();
}

static void forged_headers_end_the_link(void) { CHECK(forged_segments() == 0); }

static void bad_submissions_end_the_link(void) {
  const mrx_submission bad[] = {
      {.kind = MRX_SEND, .lane = 2, .offset = MRX_HEADER_BYTES, .length = 1},
      {.kind = MRX_SEND, .lane = 0, .offset = MRX_HEADER_BYTES - 1, .length = 1},
      {.kind = MRX_SEND, .lane = 0, .offset = MRX_SLAB_BYTES, .length = 1},
      {.kind = MRX_SEND, .lane = 0, .offset = UINT32_MAX, .length = 1},
      {.kind = MRX_SEND, .lane = 0, .offset = MRX_HEADER_BYTES, .length = MRX_FRAME_BYTES + 1},
      {.kind = MRX_SEND, .lane = 0, .offset = MRX_HEADER_BYTES, .length = UINT32_MAX},
      {.kind = MRX_SEND_BLOCK, .lane = 1, .length = 100000},
      {.kind = 99},
  };
  for (uint32_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    open_pair(MRX_SHARED_MEMORY);
    mrx_submission *entry = entry_of(&one, 0);
    uint32_t link = entry->link;
    *entry = bad[i];
    entry->link = link;
    await(&one, MRX_CLOSED, 1);
    CHECK(closed_status(&one) == MRX_BAD_ARGUMENT);
    close_pair();
  }
}

static void wrong_handles_are_refused(void) {
  open_pair(MRX_SHARED_MEMORY);
  uint8_t bytes[8] = {0};
  const uint32_t wrong[] = {0, 1, one.link + MRX_LINKS, one.link + 1, UINT32_MAX};
  for (uint32_t i = 0; i < 5; i++) {
    CHECK(mrx_link_slabs(one.engine, wrong[i]) == NULL);
    CHECK(mrx_link_close(one.engine, wrong[i]) == MRX_BAD_ARGUMENT);
    CHECK(mrx_link_address(one.engine, wrong[i], bytes, 8) == MRX_BAD_ARGUMENT);
    CHECK(mrx_link_connect(one.engine, wrong[i], bytes, 8, 1) == MRX_BAD_ARGUMENT);
    CHECK(mrx_lend_transmit(one.engine, wrong[i], 0, bytes, 100000) == MRX_BAD_ARGUMENT);
    entry_of(&one, MRX_SEND)->link = wrong[i];
  }
  CHECK(mrx_link_address(one.engine, one.link, bytes, 8) == MRX_BAD_ARGUMENT);
  CHECK(mrx_lend_receive(one.engine, one.link, DATA, bytes, 100000) == MRX_BAD_ARGUMENT);
  CHECK(mrx_lend_transmit(one.engine, one.link, 2, bytes, 100000) == MRX_BAD_ARGUMENT);
  CHECK(mrx_turn(NULL, 0) == MRX_BAD_ARGUMENT);
  CHECK(mrx_link_open(one.engine, 3, "lo", 1) == MRX_BAD_ARGUMENT);
  CHECK(mrx_link_open(one.engine, MRX_TCP, NULL, 1) == MRX_BAD_ARGUMENT);
  send_at(&one, DATA, MRX_HEADER_BYTES, 10);
  await(&other, MRX_RECEIVED, 1);
  close_pair();
}

static void links_have_a_bound_and_leave_nothing(void) {
  mrx_engine *engine = mrx_open(1);
  uint32_t links[MRX_LINKS];
  for (uint32_t round = 0; round < 2; round++) {
    for (uint32_t i = 0; i < MRX_LINKS; i++) {
      int64_t link = mrx_link_open(engine, MRX_SHARED_MEMORY, NULL, TOKEN);
      CHECK(link > 0);
      links[i] = (uint32_t)link;
    }
    CHECK(mrx_link_open(engine, MRX_SHARED_MEMORY, NULL, TOKEN) == MRX_FULL);
    for (uint32_t i = 0; i < MRX_LINKS; i++) CHECK(mrx_link_close(engine, links[i]) == MRX_OK);
  }
  mrx_close(engine);
}

static uint32_t descriptors(bool only_inheritable) {
  uint32_t count = 0;
  for (int descriptor = 3; descriptor < 1024; descriptor++) {
    int flags = fcntl(descriptor, F_GETFD);
    if (flags >= 0 && (!only_inheritable || (flags & FD_CLOEXEC) == 0)) count++;
  }
  return count;
}

static void nothing_is_inherited(uint32_t fabric) {
  uint32_t before = descriptors(true);
  open_pair(fabric);
  for (int turns = 0; turns < TURNS && descriptors(true) != before; turns++) {
    turn(&one);
    turn(&other);
  }
  CHECK(descriptors(true) == before);
  close_pair();
}

static void *die_with_an_engine(void *argument) {
  (void)argument;
  mrx_engine *engine = mrx_open(9);
  CHECK(mrx_link_open(engine, MRX_SHARED_MEMORY, NULL, TOKEN) > 0);
  CHECK(mrx_link_open(engine, MRX_TCP, "lo", TOKEN) > 0);
  return NULL;
}

static void dead_threads_are_reaped(void) {
  uint32_t before = descriptors(false);
  CHECK(mrx_engines() == 0);
  for (uint32_t round = 0; round < 5; round++) {
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, die_with_an_engine, NULL) == 0);
    pthread_join(thread, NULL);
    CHECK(mrx_engines() == 1);
    CHECK(mrx_reap(8) == 0);
    CHECK(mrx_reap(9) == 1);
    CHECK(mrx_engines() == 0);
  }
  CHECK(descriptors(false) <= before + 2);
}

static bool is_readable(int fd, struct timeval patience) {
  fd_set set;
  FD_ZERO(&set);
  FD_SET(fd, &set);
  return select(fd + 1, &set, NULL, NULL, &patience) == 1;
}

static void sleep_ends_with_news(uint32_t fabric) {
  open_pair(fabric);
  int turns = 0;
  int fd = mrx_event_fd(other.engine);
  // Messages from the opening of the link may still arrive and wake it once more.
  while (mrx_arm(other.engine) != 1 || is_readable(fd, (struct timeval){0})) {
    turn(&one);
    turn(&other);
    CHECK(turns++ < TURNS);
  }
  send_at(&one, DATA, MRX_HEADER_BYTES, 10);
  turn(&one);
  turn(&one);
  CHECK(is_readable(fd, (struct timeval){.tv_sec = 5}));
  await(&other, MRX_RECEIVED, 1);
  close_pair();
}

static void quiet_engines_wake_nobody(void) {
  open_pair(MRX_SHARED_MEMORY);
  while (mrx_arm(other.engine) != 1) turn(&other);
  send_at(&one, DATA, MRX_HEADER_BYTES, 10);
  turn(&one);
  CHECK(is_readable(mrx_event_fd(other.engine), (struct timeval){.tv_sec = 5}));
  /* The thread hangs elsewhere, and has not seen its event. */
  CHECK(mrx_quiet(owner) == 0);
  CHECK(!is_readable(mrx_event_fd(other.engine), (struct timeval){.tv_usec = 20000}));
  turn(&one);
  turn(&other);
  CHECK(mrx_quiet(owner) == 1);
  send_at(&one, DATA, MRX_HEADER_BYTES, 10);
  turn(&one);
  CHECK(!is_readable(mrx_event_fd(other.engine), (struct timeval){.tv_usec = 20000}));
  CHECK(mrx_link_open(other.engine, MRX_SHARED_MEMORY, NULL, TOKEN) == MRX_BAD_ARGUMENT);
  close_pair();
  owner++;
}

static void *sleep_until_woken(void *engine) {
  CHECK(is_readable(mrx_event_fd(engine), (struct timeval){.tv_sec = 5}));
  CHECK(mrx_turn(engine, 0) >= 0);
  return NULL;
}

static void sleeping_engines_wake_before_they_are_quiet(void) {
  open_pair(MRX_SHARED_MEMORY);
  while (mrx_arm(other.engine) != 1) turn(&other);
  pthread_t thread;
  CHECK(pthread_create(&thread, NULL, sleep_until_woken, other.engine) == 0);
  CHECK(mrx_quiet(owner) == 1);
  CHECK(pthread_join(thread, NULL) == 0);
  CHECK(mrx_arm(other.engine) == 0);
  mrx_engine *later = mrx_open(owner);
  CHECK(mrx_arm(later) == 0);
  CHECK(mrx_link_open(later, MRX_SHARED_MEMORY, NULL, TOKEN) == MRX_BAD_ARGUMENT);
  mrx_close(later);
  close_pair();
  owner++;
}

static void process_is_unchanged(void) {
  CHECK(getenv("UCX_HANDLE_ERRORS") == NULL);
  CHECK(strcmp(getenv("UCX_LOG_LEVEL"), "error") == 0);
  const int signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGALRM, SIGUSR1, SIGUSR2, SIGHUP};
  for (uint32_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
    struct sigaction action;
    sigaction(signals[i], NULL, &action);
#if !defined(__SANITIZE_ADDRESS__)
    CHECK(action.sa_handler == SIG_DFL);
#endif
  }
}

static void each_fabric(const char *name, void (*test)(uint32_t fabric)) {
  test(MRX_SHARED_MEMORY);
  printf("ok %s (shared memory)\n", name);
  test(MRX_TCP);
  printf("ok %s (tcp)\n", name);
}

static void once(const char *name, void (*test)(void)) {
  test();
  printf("ok %s\n", name);
}

int main(void) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  CHECK(mrx_open(1) == NULL);
  CHECK(mrx_load("libucp-that-is-not-there.so") == MRX_NO_LIBRARY);
  CHECK(strstr(mrx_last_reason(), "libucp-that-is-not-there.so") != NULL);
  setenv("UCX_LOG_LEVEL", "error", 1);
  CHECK(mrx_load(NULL) == MRX_OK);
  CHECK(mrx_load(NULL) == MRX_OK);
  CHECK(mrx_ucx_version() >= 0x10d00);
  once("the environment and the signals are unchanged", process_is_unchanged);
  each_fabric("frames of every size arrive", frames_arrive);
  each_fabric("a lane keeps its order", order_holds);
  each_fabric("blocks travel, and what comes after them", blocks_travel);
  each_fabric("blocks are announced ahead", blocks_are_announced_ahead);
  each_fabric("a control frame passes a waiting block", control_passes_a_block);
  each_fabric("credit comes back", credit_comes_back);
  each_fabric("no descriptor is inheritable", nothing_is_inherited);
  each_fabric("an armed engine is woken", sleep_ends_with_news);
  once("a whole window is sent without a reader", a_window_needs_no_reader);
  once("sending more than the credit ends the link", excess_ends_the_link);
  once("granting more than was sent ends the link", false_credit_ends_the_link);
  once("segments of another link end the link", wrong_token_ends_the_link);
  once("segments with forged headers end the link, and stay in their memory", forged_headers_end_the_link);
  once("bad submissions end the link", bad_submissions_end_the_link);
  once("wrong handles are refused", wrong_handles_are_refused);
  once("links have a bound, and leave nothing", links_have_a_bound_and_leave_nothing);
  once("engines of dead threads are reaped", dead_threads_are_reaped);
  once("quiet engines do not wake their thread", quiet_engines_wake_nobody);
  once("sleeping engines wake before they are quiet", sleeping_engines_wake_before_they_are_quiet);
  printf("all passed\n");
  return 0;
}
