/*
 * Segments with forged headers, as a peer that holds the key could send them: nothing may be read or written outside of its memory.
 * AddressSanitizer watches the data of each segment and the lent blocks; the frame that arrives is checked against its slab here.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../internal.h"

enum { SEGMENTS = 300000, TOKEN = 77, LONGEST = 3 * 8192 };

static uint64_t state = 0x9e3779b97f4a7c15u;

static uint32_t random_below(uint32_t bound) {
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return (uint32_t)(state >> 32) % bound;
}

static uint32_t any_length(void) {
  static const uint32_t lengths[] = {0, 1, 63, 64, 8192, 65536, MRX_FRAME_BYTES, MRX_FRAME_BYTES + 1, 200000,
                                     MRX_SLAB_BYTES, MRX_LARGEST_BYTES, MRX_LARGEST_BYTES + 1, 0x7fffffff, 0xffffffff};
  return random_below(4) == 0 ? random_below(100000) : lengths[random_below(sizeof lengths / sizeof lengths[0])];
}

/* Mostly right, so that many segments get past the first checks. */
static mrx_header forged_header(const mrx_link *link, size_t *length) {
  uint32_t lane = random_below(16) == 0 ? random_below(256) : random_below(MRX_LANES);
  mrx_header header = {
      .token = random_below(64) == 0 ? state : TOKEN,
      .sequence = random_below(64) == 0 ? random_below(0xffffffff) : link->sequence_in,
      .kind = (uint8_t)(random_below(16) == 0 ? random_below(256) : 1 + random_below(5)),
      .lane = (uint8_t)lane,
      .frame_length = any_length(),
      .offset = random_below(2) == 0 ? 0 : any_length(),
  };
  if (random_below(16) == 0) header.granted[random_below(MRX_LANES)] = random_below(0xffffffff);
  const mrx_receive *receive = &link->receive[lane % MRX_LANES];
  if (receive->frame != NULL && random_below(4) != 0) {
    header.frame_length = receive->frame_length;
    header.offset = receive->arrived;
  }
  uint32_t place = receive->filled % MRX_BLOCKS;
  if (receive->frame == NULL && receive->filled != receive->lent && random_below(2) == 0) {
    header.frame_length = receive->lengths[place];
    header.offset = 0;
  }
  uint32_t left = header.frame_length > header.offset ? header.frame_length - header.offset : 0;
  *length = random_below(3) != 0 && left < LONGEST ? left : random_below(LONGEST);
  return header;
}

static bool is_within(const mrx_link *link, uint32_t lane) {
  const mrx_receive *receive = &link->receive[lane];
  if (receive->frame == NULL) return true;
  if (receive->arrived > receive->frame_length) return false;
  if (receive->frame_length > MRX_FRAME_BYTES) return receive->frame == receive->blocks[receive->filled % MRX_BLOCKS];
  const uint8_t *slab = link->slabs->receive[lane];
  return receive->frame >= slab && receive->frame + receive->frame_length <= slab + MRX_SLAB_BYTES;
}

/* As the caller does: frees what arrived, and lends blocks for what was announced, unless that is too large for a test. */
static void consume(mrx_engine *engine, mrx_link *link) {
  mrx_control *control = &engine->rings->control;
  for (; control->completion_head != control->completion_tail; control->completion_head++) {
    const mrx_completion *entry = &engine->rings->completions[control->completion_head % MRX_COMPLETIONS];
    if (entry->kind == MRX_RECEIVED && random_below(4) != 0) link->words->released[entry->lane] = entry->position;
    if (entry->kind != MRX_ANNOUNCED || entry->length > 1000000) continue;
    uint32_t place = link->receive[entry->lane].lent % MRX_BLOCKS;
    uint8_t *block = malloc(entry->length);
    uint8_t *before = link->receive[entry->lane].blocks[place];
    if (block != NULL && mrx_lend_receive(engine, link->handle, entry->lane, block, entry->length) == MRX_OK) free(before);
    else free(block);
  }
}

/* Forgets everything of a link that has failed, as a new link would. */
static void begin_again(mrx_link *link) {
  for (uint32_t lane = 0; lane < MRX_LANES; lane++) {
    for (uint32_t i = 0; i < MRX_BLOCKS; i++) free(link->receive[lane].blocks[i]);
    link->receive[lane] = (mrx_receive){0};
    link->clears_pending[lane] = 0;
    link->words->released[lane] = 0;
  }
  link->is_connected = false;
  link->fault = MRX_OK;
}

/* Returns 0 if all is well. Prints the number of the segment otherwise. */
int forged_segments(void) {
  mrx_engine *engine = mrx_open(1);
  int64_t handle = mrx_link_open(engine, MRX_SHARED_MEMORY, NULL, TOKEN);
  mrx_link *link = handle > 0 ? mrx_link_find(engine, (uint32_t)handle) : NULL;
  if (link == NULL) return 1;
  const ucp_am_recv_param_t parameters = {0};
  uint32_t refused = 0;
  uint32_t frames = 0;
  for (uint32_t i = 0; i < SEGMENTS; i++) {
    size_t length;
    mrx_header header = forged_header(link, &length);
    uint8_t *data = malloc(length == 0 ? 1 : length);
    if (data == NULL) return 1;
    memset(data, 1, length);
    size_t header_length = random_below(64) == 0 ? random_below(MRX_HEADER_BYTES) : MRX_HEADER_BYTES;
    mrx_segment_arrived(link, &header, header_length, data, length, &parameters);
    free(data);
    for (uint32_t lane = 0; lane < MRX_LANES; lane++) {
      if (link->fault == MRX_OK && !is_within(link, lane)) {
        fprintf(stderr, "segment %u left its memory\n", i);
        return 1;
      }
    }
    consume(engine, link);
    if (link->fault == MRX_OK) continue;
    refused++;
    frames += link->words->frames_received[0] + link->words->frames_received[1];
    memset(link->words->frames_received, 0, sizeof link->words->frames_received);
    begin_again(link);
  }
  begin_again(link);
  mrx_close(engine);
  /* Both must have happened often, or the test has tested nothing. */
  return refused > SEGMENTS / 100 && frames > SEGMENTS / 100 ? 0 : 1;
}
