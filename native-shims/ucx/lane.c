/*
 * Splits frames into segments, and assembles received segments into frames.
 *
 *   frame <= MRX_FRAME_BYTES      FRAME 0, FRAME n, ...                    into the receive slab
 *   larger                        ANNOUNCE ->, <- CLEAR, FRAME 0, ...      into the block that the receiver lent
 *
 * Up to MRX_BLOCKS larger frames are announced ahead of time, so that the receiver has lent a block when each is sent. The receiver
 * clears blocks in the order of the announcements.
 *
 * The control lane has priority. Each lane keeps its order. UCX holds at most MRX_REQUESTS segments, so a control frame never
 * waits for more than those.
 */
#include <stdlib.h>
#include <string.h>

#include "internal.h"

static uint32_t rounded(uint32_t length) { return (length + MRX_FRAME_COST - 1) & ~(MRX_FRAME_COST - 1); }

static mrx_frame *frame_at(mrx_transmit *transmit, uint32_t number) {
  return &transmit->frames[number & (transmit->capacity - 1)];
}

/* ---- sending ---- */

/* Reports frames in the order of their lane, once UCX no longer needs their bytes. */
static void report_sent(mrx_link *link, uint32_t lane) {
  mrx_transmit *transmit = &link->transmit[lane];
  while (transmit->reported != transmit->next && mrx_completions_free(link->engine) > MRX_LINKS) {
    mrx_frame *frame = frame_at(transmit, transmit->reported);
    if (frame->pending > 0) return;
    transmit->reported++;
    link->words->frames_sent[lane]++;
    mrx_completion sent = {.kind = MRX_SENT, .link = link->handle, .lane = lane, .length = frame->length};
    mrx_complete(link->engine, &sent);
  }
}

static void segment_done(void *request, ucs_status_t status, void *argument) {
  mrx_request *own = argument;
  mrx_link *link = own->link;
  own->is_used = false;
  link->requests_used--;
  if (own->has_frame) frame_at(&link->transmit[own->lane], own->frame)->pending--;
  mrx_ucp_loaded()->request_free(request);
  if (link->is_dead) return;
  if (status != UCS_OK) mrx_link_fault(link, MRX_LOST);
}

static mrx_request *free_request(mrx_link *link) {
  if (link->requests_used == MRX_REQUESTS) return NULL;
  for (uint32_t i = 0; i < MRX_REQUESTS; i++) {
    if (!link->requests[i].is_used) return &link->requests[i];
  }
  return NULL;
}

static mrx_header header_of(mrx_link *link, uint32_t kind, uint32_t lane, uint32_t frame_length, uint32_t offset) {
  mrx_header header = {
      .token = link->token_out,
      .sequence = link->sequence_out++,
      .kind = (uint8_t)kind,
      .lane = (uint8_t)lane,
      .granted = {link->words->granted[0], link->words->granted[1]},
      .frame_length = frame_length,
      .offset = offset,
  };
  link->grant_pending = false;
  return header;
}

/*
 * Sends a segment. Returns false if the send failed. If the frame has space for the header, header and bytes are sent as one buffer,
 * which is fastest in UCX.
 */
static bool send_segment(mrx_link *link, const mrx_header *header, uint8_t *bytes, uint32_t length, bool has_room,
                         mrx_request *request) {
  ucp_request_param_t parameters = {
      .op_attr_mask = UCP_OP_ATTR_FIELD_CALLBACK | UCP_OP_ATTR_FIELD_USER_DATA | UCP_OP_ATTR_FIELD_FLAGS,
      .flags = UCP_AM_SEND_FLAG_EAGER,
      .cb.send = segment_done,
      .user_data = request,
  };
  ucs_status_ptr_t sent;
  if (has_room) {
    memcpy(bytes - MRX_HEADER_BYTES, header, MRX_HEADER_BYTES);
    sent = mrx_ucp_loaded()->am_send_nbx(link->endpoint, 0, NULL, 0, bytes - MRX_HEADER_BYTES, length + MRX_HEADER_BYTES,
                                         &parameters);
  } else {
    request->header = *header;
    sent = mrx_ucp_loaded()->am_send_nbx(link->endpoint, 0, &request->header, MRX_HEADER_BYTES, bytes, length, &parameters);
  }
  if (UCS_PTR_IS_ERR(sent)) {
    mrx_fail(MRX_UCX, "sending: %s", mrx_ucp_loaded()->status_string(UCS_PTR_STATUS(sent)));
    mrx_link_fault(link, MRX_LOST);
    return false;
  }
  link->words->segments_sent++;
  if (sent == NULL) return true;
  request->is_used = true;
  request->link = link;
  link->requests_used++;
  if (request->has_frame) frame_at(&link->transmit[request->lane], request->frame)->pending++;
  return true;
}

static bool send_control(mrx_link *link, uint32_t kind, uint32_t lane, uint32_t frame_length) {
  mrx_request *request = free_request(link);
  if (request == NULL) return false;
  request->has_frame = false;
  mrx_header header = header_of(link, kind, lane, frame_length, 0);
  return send_segment(link, &header, NULL, 0, false, request);
}

static void announce(mrx_link *link, uint32_t lane) {
  mrx_transmit *transmit = &link->transmit[lane];
  if ((int32_t)(transmit->next - transmit->next_announce) > 0) transmit->next_announce = transmit->next;
  while (transmit->next_announce != transmit->tail && link->fault == MRX_OK) {
    mrx_frame *frame = frame_at(transmit, transmit->next_announce);
    if (frame->is_block) {
      if (transmit->announced - transmit->blocks_sent == MRX_BLOCKS) return;
      if (!send_control(link, MRX_SEGMENT_ANNOUNCE, lane, frame->length)) return;
      frame->block = transmit->announced++;
    }
    transmit->next_announce++;
  }
}

/* True if the receiver has lent a block for this frame. */
static bool is_clear(mrx_transmit *transmit, uint32_t number) {
  bool is_announced = (int32_t)(transmit->next_announce - number) > 0;
  return is_announced && (int32_t)(transmit->cleared - frame_at(transmit, number)->block) > 0;
}

/* Returns false if the frame was not sent completely yet. */
static bool send_frame(mrx_link *link, uint32_t lane, uint32_t number) {
  mrx_transmit *transmit = &link->transmit[lane];
  mrx_frame *frame = frame_at(transmit, number);
  if (frame->is_block && !is_clear(transmit, number)) return false;
  do {
    mrx_request *request = free_request(link);
    if (request == NULL) return false;
    uint32_t left = frame->length - frame->sent;
    uint32_t length = left < link->segment_bytes ? left : link->segment_bytes;
    request->has_frame = true;
    request->lane = lane;
    request->frame = number;
    mrx_header header = header_of(link, MRX_SEGMENT_FRAME, lane, frame->length, frame->sent);
    bool has_room = !frame->is_block && frame->sent == 0;
    if (!send_segment(link, &header, frame->bytes + frame->sent, length, has_room, request)) return false;
    frame->sent += length;
  } while (frame->sent < frame->length);
  if (frame->is_block) transmit->blocks_sent++;
  return true;
}

static void pump_lane(mrx_link *link, uint32_t lane) {
  mrx_transmit *transmit = &link->transmit[lane];
  announce(link, lane);
  while (transmit->next != transmit->tail && link->fault == MRX_OK && send_frame(link, lane, transmit->next)) {
    transmit->next++;
  }
  report_sent(link, lane);
}

void mrx_link_pump(mrx_link *link) {
  if (link->is_dead || link->fault != MRX_OK || link->endpoint == NULL) return;
  if (link->hello_pending && send_control(link, MRX_SEGMENT_HELLO, 0, 0)) link->hello_pending = false;
  for (uint32_t lane = 0; lane < MRX_LANES; lane++) {
    while (link->clears_pending[lane] > 0 && send_control(link, MRX_SEGMENT_CLEAR, lane, 0)) link->clears_pending[lane]--;
    pump_lane(link, lane);
  }
  if (link->grant_pending && link->fault == MRX_OK) send_control(link, MRX_SEGMENT_GRANT, 0, 0);
}

static bool make_room(mrx_transmit *transmit) {
  uint32_t used = transmit->tail - transmit->reported;
  if (used < transmit->capacity) return true;
  uint32_t capacity = transmit->capacity == 0 ? 256 : transmit->capacity * 2;
  if (capacity > MRX_LANE_FRAMES) return false;
  mrx_frame *grown = calloc(capacity, sizeof(mrx_frame));
  if (grown == NULL) return false;
  for (uint32_t number = transmit->reported; number != transmit->tail; number++) {
    grown[number & (capacity - 1)] = *frame_at(transmit, number);
  }
  free(transmit->frames);
  transmit->frames = grown;
  transmit->capacity = capacity;
  return true;
}

int32_t mrx_lane_submit(mrx_link *link, uint32_t lane, uint8_t *bytes, uint32_t length, bool is_block) {
  mrx_transmit *transmit = &link->transmit[lane];
  if (!make_room(transmit)) return mrx_fail(MRX_NO_MEMORY, "a lane already holds %u frames", transmit->capacity);
  *frame_at(transmit, transmit->tail) = (mrx_frame){.bytes = bytes, .length = length, .is_block = is_block};
  transmit->tail++;
  transmit->cost += length + MRX_FRAME_COST;
  return MRX_OK;
}

void mrx_lane_free(mrx_transmit *transmit) {
  free(transmit->frames);
  *transmit = (mrx_transmit){0};
}

/* ---- receiving ---- */

/* Allocates space for a frame in the slab. NULL if the peer sends more than it has credit for. */
static uint8_t *allocate(mrx_link *link, uint32_t lane, uint32_t length) {
  mrx_receive *receive = &link->receive[lane];
  uint32_t used = receive->position - link->words->released[lane];
  if (used > MRX_SLAB_BYTES) return NULL; /* more was released than allocated */
  if (used == 0) receive->place = 0;
  uint32_t needed = rounded(length);
  uint32_t to_end = MRX_SLAB_BYTES - receive->place;
  bool is_wrapping = needed > to_end;
  uint32_t skipped = is_wrapping ? to_end : 0;
  if (used + skipped + needed > MRX_SLAB_BYTES) return NULL;
  if (is_wrapping) receive->place = 0;
  uint8_t *room = link->slabs->receive[lane] + receive->place;
  receive->place += needed;
  receive->position += skipped + needed;
  return room;
}

static const char *begin_frame(mrx_link *link, const mrx_header *header) {
  mrx_receive *receive = &link->receive[header->lane];
  if (receive->frame != NULL) return "a frame inside another frame";
  if (header->frame_length > MRX_FRAME_BYTES) {
    uint32_t place = receive->filled % MRX_BLOCKS;
    bool is_lent = receive->filled != receive->lent && receive->lengths[place] == header->frame_length;
    if (!is_lent) return "a block that was not cleared";
    receive->frame = receive->blocks[place];
  } else {
    receive->frame = allocate(link, header->lane, header->frame_length);
    if (receive->frame == NULL) return "more than it has credit for";
  }
  receive->frame_length = header->frame_length;
  receive->arrived = 0;
  return NULL;
}

static void frame_arrived(mrx_link *link, uint32_t lane) {
  mrx_receive *receive = &link->receive[lane];
  bool is_block = receive->frame_length > MRX_FRAME_BYTES;
  mrx_completion received = {
      .kind = is_block ? MRX_RECEIVED_BLOCK : MRX_RECEIVED,
      .link = link->handle,
      .lane = lane,
      .length = receive->frame_length,
      .position = receive->position,
  };
  if (is_block) {
    receive->filled++;
  } else {
    received.offset = (uint32_t)(receive->frame - link->slabs->receive[lane]);
  }
  receive->frame = NULL;
  link->words->frames_received[lane]++;
  mrx_complete(link->engine, &received);
}

static const char *take_frame(mrx_link *link, const mrx_header *header, const uint8_t *bytes, size_t length) {
  mrx_receive *receive = &link->receive[header->lane];
  if (header->offset == 0) {
    const char *problem = begin_frame(link, header);
    if (problem != NULL) return problem;
  }
  if (receive->frame == NULL || header->offset != receive->arrived || header->frame_length != receive->frame_length ||
      length > receive->frame_length - receive->arrived || (length == 0 && receive->frame_length > 0)) {
    return "a segment that is not the next of its frame";
  }
  memcpy(receive->frame + receive->arrived, bytes, length);
  receive->arrived += (uint32_t)length;
  if (receive->arrived == receive->frame_length) frame_arrived(link, header->lane);
  return NULL;
}

static const char *take_announcement(mrx_link *link, const mrx_header *header) {
  mrx_receive *receive = &link->receive[header->lane];
  if (receive->announced - receive->filled == MRX_BLOCKS) return "too many block announcements";
  if (header->frame_length <= MRX_FRAME_BYTES || header->frame_length > MRX_LARGEST_BYTES) return "an announcement of a block with an invalid size";
  receive->lengths[receive->announced++ % MRX_BLOCKS] = header->frame_length;
  mrx_completion announced = {
      .kind = MRX_ANNOUNCED, .link = link->handle, .lane = header->lane, .length = header->frame_length};
  mrx_complete(link->engine, &announced);
  return NULL;
}

static const char *take_clearance(mrx_link *link, uint32_t lane) {
  mrx_transmit *transmit = &link->transmit[lane];
  if (transmit->cleared == transmit->announced) return "a clearance without an announcement";
  transmit->cleared++;
  return NULL;
}

/* Grants are totals: a lost or late one does no harm. A grant for more than was sent is a protocol error. */
static const char *take_grants(mrx_link *link, const mrx_header *header) {
  for (uint32_t lane = 0; lane < MRX_LANES; lane++) {
    uint32_t known = link->words->peer_granted[lane];
    if (header->granted[lane] == known) continue;
    if (header->granted[lane] - known > link->transmit[lane].cost - known) return "credit for more than was sent";
    link->words->peer_granted[lane] = header->granted[lane];
    link->has_news = true;
  }
  return NULL;
}

static const char *take(mrx_link *link, const mrx_header *header, const uint8_t *bytes, size_t length) {
  if (header->token != link->token_in) return "a segment of another link";
  if (header->sequence != link->sequence_in) return "a segment out of order";
  link->sequence_in++;
  if (header->lane >= MRX_LANES) return "a lane that does not exist";
  const char *problem = take_grants(link, header);
  if (problem != NULL) return problem;
  switch (header->kind) {
    case MRX_SEGMENT_FRAME:
      return take_frame(link, header, bytes, length);
    case MRX_SEGMENT_ANNOUNCE:
      return take_announcement(link, header);
    case MRX_SEGMENT_CLEAR:
      return take_clearance(link, header->lane);
    case MRX_SEGMENT_GRANT:
      return NULL;
    case MRX_SEGMENT_HELLO: {
      if (link->is_connected) return "a second hello";
      link->is_connected = true;
      mrx_completion connected = {.kind = MRX_CONNECTED, .link = link->handle};
      mrx_complete(link->engine, &connected);
      return NULL;
    }
    default:
      return "a segment of an unknown kind";
  }
}

ucs_status_t mrx_segment_arrived(void *argument, const void *before, size_t before_length, void *data, size_t length,
                                 const ucp_am_recv_param_t *parameters) {
  mrx_link *link = argument;
  if (link->is_dead || link->fault != MRX_OK) return UCS_OK;
  const char *problem = NULL;
  mrx_header header;
  const uint8_t *bytes = data;
  if ((parameters->recv_attr & UCP_AM_RECV_ATTR_FLAG_RNDV) != 0) {
    problem = "a rendezvous message, which we never request";
  } else if (mrx_completions_free(link->engine) <= MRX_LINKS) {
    problem = "more segments than one turn can process";
  } else if (before_length == MRX_HEADER_BYTES) {
    memcpy(&header, before, MRX_HEADER_BYTES);
  } else if (before_length == 0 && length >= MRX_HEADER_BYTES) {
    memcpy(&header, bytes, MRX_HEADER_BYTES);
    bytes += MRX_HEADER_BYTES;
    length -= MRX_HEADER_BYTES;
  } else {
    problem = "a segment without a header";
  }
  link->words->segments_received++;
  if (problem == NULL) problem = take(link, &header, bytes, length);
  if (problem != NULL) {
    mrx_fail(MRX_PROTOCOL, "the peer sent %s", problem);
    mrx_link_fault(link, MRX_PROTOCOL);
  }
  return UCS_OK;
}
