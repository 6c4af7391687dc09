/* Shared by the parts of the shim. Not part of the ABI. */
#ifndef MRX_INTERNAL_H
#define MRX_INTERNAL_H

#include <stdbool.h>
#include <ucp/api/ucp.h>

#include "millrace_ucx.h"

/* Most requests of one link that UCX holds at a time. A control frame waits for at most these. */
#define MRX_REQUESTS 16u
/* Most frames of one lane that are queued or in transit. Credit runs out long before. */
#define MRX_LANE_FRAMES 32768u

/* Most blocks of one lane that are announced and not received. The receiver lends memory for them ahead of time. */
#define MRX_BLOCKS 4u

/* ---- library.c: loads UCX ---- */

/* The functions of libucp that we call. */
typedef struct {
  void (*get_version)(unsigned *, unsigned *, unsigned *);
  ucs_status_t (*config_read)(const char *, const char *, ucp_config_t **);
  ucs_status_t (*config_modify)(ucp_config_t *, const char *, const char *);
  void (*config_release)(ucp_config_t *);
  ucs_status_t (*init_version)(unsigned, unsigned, const ucp_params_t *, const ucp_config_t *, ucp_context_h *);
  void (*cleanup)(ucp_context_h);
  ucs_status_t (*worker_create)(ucp_context_h, const ucp_worker_params_t *, ucp_worker_h *);
  void (*worker_destroy)(ucp_worker_h);
  ucs_status_t (*worker_get_efd)(ucp_worker_h, int *);
  ucs_status_t (*worker_arm)(ucp_worker_h);
  unsigned (*worker_progress)(ucp_worker_h);
  ucs_status_t (*worker_get_address)(ucp_worker_h, ucp_address_t **, size_t *);
  void (*worker_release_address)(ucp_worker_h, ucp_address_t *);
  ucs_status_t (*worker_set_am_recv_handler)(ucp_worker_h, const ucp_am_handler_param_t *);
  ucs_status_t (*ep_create)(ucp_worker_h, const ucp_ep_params_t *, ucp_ep_h *);
  void (*ep_print_info)(ucp_ep_h, FILE *);
  ucs_status_ptr_t (*am_send_nbx)(ucp_ep_h, unsigned, const void *, size_t, const void *, size_t,
                                  const ucp_request_param_t *);
  void (*request_free)(void *);
  const char *(*status_string)(ucs_status_t);
} mrx_ucp;

/* NULL before mrx_load() has succeeded. */
const mrx_ucp *mrx_ucp_loaded(void);

/* ---- reason.c ---- */

/* Stores the reason for mrx_last_reason(). Returns `status`. */
int32_t mrx_fail(int32_t status, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* ---- descriptors.c: keeps descriptors of UCX from child processes ---- */

/* Records the descriptors that are inheritable now, before UCX is loaded. */
void mrx_descriptors_remember(void);
/* Sets close-on-exec on the descriptors that have become inheritable since. */
void mrx_descriptors_sweep(void);

/* ---- memory.c: reuses blocks of memory that callers have views of ---- */

typedef enum { MRX_BLOCK_RINGS = 0, MRX_BLOCK_SLABS = 1 } mrx_block_kind;
/* Returns zeroed memory; NULL if there is none. */
void *mrx_block_take(mrx_block_kind kind);
void mrx_block_give(mrx_block_kind kind, void *block);

/* ---- lane.c: splits frames into segments, and assembles them ---- */

/* Precedes the bytes of each segment. In host byte order: both ends run this code, on the same architecture. */
typedef struct {
  uint64_t token;    /* identifies the link: UCX does not name the sender */
  uint32_t sequence; /* number of the segment in this link */
  uint8_t kind;
  uint8_t lane;
  uint16_t reserved;
  uint32_t granted[MRX_LANES];
  uint32_t frame_length;
  uint32_t offset; /* offset of this segment in its frame */
} mrx_header;

_Static_assert(sizeof(mrx_header) == MRX_HEADER_BYTES, "the space before a frame must hold a header");

enum mrx_segment_kind {
  MRX_SEGMENT_FRAME = 1,
  MRX_SEGMENT_HELLO = 2,
  MRX_SEGMENT_GRANT = 3,
  MRX_SEGMENT_ANNOUNCE = 4, /* frame_length: the length of a block that follows */
  MRX_SEGMENT_CLEAR = 5     /* the announced block may be sent */
};

typedef struct {
  uint8_t *bytes;
  uint32_t length;
  uint32_t sent;    /* bytes that UCX has taken */
  uint32_t pending; /* requests that UCX holds */
  bool is_block;
  uint32_t block;   /* its number among the announced blocks of the lane */
} mrx_frame;

typedef struct {
  mrx_frame *frames; /* a ring of `capacity`, a power of two */
  uint32_t capacity;
  uint32_t reported; /* frames before this one are done */
  uint32_t next;     /* the next frame to send */
  uint32_t tail;
  uint32_t next_announce;    /* the next frame to announce, if it is a block */
  uint32_t announced; /* totals of blocks: announced, cleared by the peer, and sent */
  uint32_t cleared;
  uint32_t blocks_sent;
  uint32_t cost;     /* total credit used */
  uint8_t *lent;
  uint32_t lent_length;
} mrx_transmit;

typedef struct {
  uint32_t position; /* total bytes of the slab allocated, including skipped ones */
  uint32_t place;    /* offset of the next frame in the slab */
  uint8_t *frame;    /* the frame that is arriving; NULL between frames */
  uint32_t frame_length;
  uint32_t arrived;
  uint32_t lengths[MRX_BLOCKS]; /* lengths of the announced blocks */
  uint8_t *blocks[MRX_BLOCKS];
  uint32_t announced; /* totals of blocks: announced by the peer, lent by the caller, and filled */
  uint32_t lent;
  uint32_t filled;
} mrx_receive;

typedef struct mrx_link mrx_link;

/* A send in progress. UCX returns it when it no longer needs the bytes of the segment. */
typedef struct {
  mrx_link *link;
  uint32_t frame; /* its number in the lane */
  bool has_frame;
  uint32_t lane;
  bool is_used;
  mrx_header header; /* must live as long as the request */
} mrx_request;

struct mrx_link {
  mrx_engine *engine;
  uint32_t handle; /* 0: this slot is free */
  uint32_t slot;
  uint32_t fabric;
  uint32_t segment_bytes;
  ucp_worker_h worker;
  ucp_ep_h endpoint;
  int event_fd;
  bool is_dead; /* being destroyed: reports nothing */
  int32_t fault;
  char reason[MRX_REASON_BYTES];
  bool is_fault_reported;
  bool has_news; /* credit that was not reported to the caller */
  bool grant_pending;
  uint32_t clears_pending[MRX_LANES]; /* lent blocks that were not cleared for the peer */
  bool is_connected;
  uint64_t sweep_at_ns; /* time of the next sweep */
  uint64_t swept_until_ns;
  bool hello_pending;
  uint64_t token_in;
  uint64_t token_out;
  uint32_t sequence_in;
  uint32_t sequence_out;
  uint32_t requests_used;
  mrx_request requests[MRX_REQUESTS];
  mrx_transmit transmit[MRX_LANES];
  mrx_receive receive[MRX_LANES];
  mrx_slabs *slabs;
  mrx_link_words *words;
};

/* The handler of active messages. Its argument is the link. */
ucs_status_t mrx_segment_arrived(void *argument, const void *header, size_t header_length, void *data, size_t length,
                                 const ucp_am_recv_param_t *parameters);
int32_t mrx_lane_submit(mrx_link *link, uint32_t lane, uint8_t *bytes, uint32_t length, bool is_block);
/* Sends everything that can be sent now. */
void mrx_link_pump(mrx_link *link);
void mrx_lane_free(mrx_transmit *transmit);

/* ---- engine.c ---- */

struct mrx_engine {
  uint32_t magic;
  uint32_t owner;
  mrx_engine *next;
  ucp_context_h contexts[3]; /* by fabric; made when first needed */
  int epoll_fd;
  bool is_quiet;  /* set by any thread */
  bool is_asleep; /* read by any thread */
  uint32_t generation;
  mrx_rings *rings;
  mrx_link links[MRX_LINKS];
};

bool mrx_engine_is_open(const mrx_engine *engine);
/* NULL for a handle that is not an open link of this engine. */
mrx_link *mrx_link_find(mrx_engine *engine, uint32_t handle);
uint32_t mrx_completions_free(const mrx_engine *engine);
/* The caller must check that there is room. */
void mrx_complete(mrx_engine *engine, const mrx_completion *completion);
void mrx_link_fault(mrx_link *link, int32_t status);
void mrx_link_destroy(mrx_link *link);

#endif
