/*
 * The ABI between the UCX rings and their caller: the only header that src/transport/ucx mirrors. Sizes, offsets and the
 * version are exported by mrx_abi() and compared when the library is loaded.
 *
 *   caller                        shared memory                        shim
 *   writes entries, moves  -->  submission ring  [ head ... tail )  -->  sends through UCX
 *   reads entries, moves   <--  completion ring  [ head ... tail )  <--  callbacks of UCX
 *                               link words: credit and counters
 *   writes frames          -->  transmit slabs, one for each lane   -->
 *   reads frames           <--  receive slabs, one for each lane    <--
 *
 * One mrx_turn() for each turn of the caller's event loop moves everything. An engine belongs to one thread: no function
 * here may be called for it from another, but mrx_quiet(), and mrx_reap() after that thread has ended. Memory that a caller has seen (rings,
 * slabs) is used again, for other links, and never unmapped: a stale view reads other bytes, but cannot crash.
 */
#ifndef MILLRACE_UCX_H
#define MILLRACE_UCX_H

#include <stddef.h>
#include <stdint.h>

#define MRX_ABI_VERSION 1u
#define MRX_WIRE_VERSION 3u

#define MRX_LANES 2u
#define MRX_LINKS 64u
#define MRX_SUBMISSIONS 4096u
#define MRX_COMPLETIONS 8192u
/* Bytes that a frame may have and still travel through the slabs; larger ones travel from block to block. */
#define MRX_FRAME_BYTES (68u * 1024u)
#define MRX_LARGEST_BYTES (1024u * 1024u * 1024u)
/* A frame in a transmit slab is preceded by room for the header of its first segment. */
#define MRX_HEADER_BYTES 32u
/* The credit window, a frame being written, and what is lost where the slab wraps around. */
#define MRX_SLAB_BYTES (1280u * 1024u)
/* Credit that a frame takes beyond its bytes, and the grain in which slabs are cut. */
#define MRX_FRAME_COST 64u
#define MRX_ADDRESS_BYTES 8192u
#define MRX_REASON_BYTES 256u

enum mrx_status {
  MRX_OK = 0,
  MRX_NO_LIBRARY = -1,      /* libucp could not be loaded; mrx_last_reason() says why */
  MRX_NO_MEMORY = -2,
  MRX_BAD_ARGUMENT = -3,    /* a handle, offset or length that makes no sense */
  MRX_FULL = -4,            /* no free link in this engine */
  MRX_UCX = -5,             /* UCX refused; mrx_last_reason() has its word */
  MRX_WRONG_TRANSPORT = -6, /* UCX chose another transport than it was to */
  MRX_PROTOCOL = -7,        /* the peer sent what makes no sense, or more than it has credit for */
  MRX_LOST = -8             /* UCX reports that the peer is gone */
};

enum mrx_fabric { MRX_SHARED_MEMORY = 1, MRX_TCP = 2 };

enum mrx_submission_kind {
  MRX_SEND = 1,       /* the frame at `offset` of the lane's transmit slab */
  MRX_SEND_BLOCK = 2, /* the block lent with mrx_lend_transmit() */
  MRX_GRANT = 3       /* tell the peer of the credit in the link words now */
};

enum mrx_completion_kind {
  MRX_RECEIVED = 1,       /* a frame, at `offset` of the lane's receive slab; set released to `position` after use */
  MRX_SENT = 2,           /* the oldest frame of the lane that was not yet reported: its memory is the caller's again */
  MRX_CONNECTED = 3,      /* the peer's rings reach us */
  MRX_CLOSED = 4,         /* `status` says why; nothing more comes from this link */
  MRX_ANNOUNCED = 5,      /* a block of `length` bytes is to come: mrx_lend_receive() */
  MRX_RECEIVED_BLOCK = 6, /* the lent block is full, and the caller's again */
  MRX_GRANTED = 7         /* the peer granted credit: see the link words */
};

typedef struct {
  uint32_t kind;
  uint32_t link;
  uint32_t lane;
  uint32_t offset;
  uint32_t length;
  uint32_t reserved[3];
} mrx_submission;

typedef struct {
  uint32_t kind;
  uint32_t link;
  uint32_t lane;
  uint32_t offset;
  uint32_t length;
  uint32_t position;
  int32_t status;
  uint32_t reserved;
} mrx_completion;

/* Totals, modulo 2^32. The first three are written by the caller, the others by the shim. */
typedef struct {
  uint32_t granted[MRX_LANES];  /* credit that the frames read so far gave back */
  uint32_t released[MRX_LANES]; /* `position` of the last frame read */
  uint32_t peer_granted[MRX_LANES];
  uint32_t frames_sent[MRX_LANES];
  uint32_t frames_received[MRX_LANES];
  uint32_t segments_sent;
  uint32_t segments_received;
  uint32_t reserved[4];
} mrx_link_words;

typedef struct {
  uint32_t submission_tail; /* caller */
  uint32_t submission_head; /* shim */
  uint32_t completion_head; /* caller */
  uint32_t completion_tail; /* shim */
  uint32_t turns;           /* shim: a heartbeat */
  uint32_t in_turn;         /* shim: 1 within mrx_turn() */
  uint32_t reserved[10];
} mrx_control;

/* One block of shared memory for each engine. */
typedef struct {
  mrx_control control;
  mrx_link_words links[MRX_LINKS];
  mrx_submission submissions[MRX_SUBMISSIONS];
  mrx_completion completions[MRX_COMPLETIONS];
} mrx_rings;

/* One block of memory for each link. */
typedef struct {
  uint8_t transmit[MRX_LANES][MRX_SLAB_BYTES];
  uint8_t receive[MRX_LANES][MRX_SLAB_BYTES];
} mrx_slabs;

typedef struct mrx_engine mrx_engine;

/* Sizes and offsets, in the order of abi.c. Terminated by UINT32_MAX. */
const uint32_t *mrx_abi(void);

/*
 * Loads libucp, once for the whole process, as a guest: no memory hooks, no signal handlers, nothing on stdout, our environment
 * as it was. `library` is the file to look for, "libucp.so.0" where it is NULL.
 */
int32_t mrx_load(const char *library);
/* What lay behind the last failure on this thread. Valid until the next call on it. */
const char *mrx_last_reason(void);
/* Version of the UCX that was loaded, as major * 65536 + minor * 256 + release; 0 before. */
uint32_t mrx_ucx_version(void);

/* `owner` names the thread for mrx_reap(). NULL where memory is short or nothing was loaded. */
mrx_engine *mrx_open(uint32_t owner);
/* Closes all links. The engine is gone afterwards. */
void mrx_close(mrx_engine *engine);
/* Closes the engines of a thread that has ended. Gives their number. */
int32_t mrx_reap(uint32_t owner);
/*
 * For a thread that hangs and is to be terminated: the event fds of its engines stay silent from here on, because what they would
 * call cannot be called any more. 1; 0 where an engine was asleep, so that its event may have been taken up by its thread already. From
 * any thread.
 */
int32_t mrx_quiet(uint32_t owner);
/* Engines that are open in this process. */
int32_t mrx_engines(void);
mrx_rings *mrx_rings_of(mrx_engine *engine);
/* Readable when something may have come for a link of an engine that mrx_arm() has armed. */
int32_t mrx_event_fd(mrx_engine *engine);

/*
 * Opens one end of a link; gives its handle (> 0) or a status. `devices` names the network interfaces for TCP, `token` is what
 * the peer's segments must carry.
 */
int64_t mrx_link_open(mrx_engine *engine, uint32_t fabric, const char *devices, uint64_t token);
mrx_slabs *mrx_link_slabs(mrx_engine *engine, uint32_t link);
/* Writes this end's address for the peer; gives its length or a status. */
int32_t mrx_link_address(mrx_engine *engine, uint32_t link, uint8_t *address, uint32_t capacity);
/* Joins to the peer's end. Its address must come from a peer that was authenticated: UCX trusts it. */
int32_t mrx_link_connect(mrx_engine *engine, uint32_t link, const uint8_t *address, uint32_t length, uint64_t token);
/* Names of the transports that UCX uses for the link, separated by commas. */
int32_t mrx_link_transports(mrx_engine *engine, uint32_t link, char *names, uint32_t capacity);
/* Why MRX_CLOSED came. Valid until the link is closed. */
const char *mrx_link_reason(mrx_engine *engine, uint32_t link);
/* Ends it at once: what was not sent never is. Reports nothing. */
int32_t mrx_link_close(mrx_engine *engine, uint32_t link);

/* Lends the block of the next MRX_SEND_BLOCK of the lane, until its MRX_SENT or the end of the link. */
int32_t mrx_lend_transmit(mrx_engine *engine, uint32_t link, uint32_t lane, const uint8_t *block, uint32_t length);
/* Lends the block for the oldest frame that was announced and has none, until its MRX_RECEIVED_BLOCK or the end of the link. */
int32_t mrx_lend_receive(mrx_engine *engine, uint32_t link, uint32_t lane, uint8_t *block, uint32_t length);

/*
 * Takes all submissions, lets UCX work, and gives the number of completions that wait. Without any it goes on looking for
 * up to `spin_us`.
 */
int32_t mrx_turn(mrx_engine *engine, uint32_t spin_us);
/*
 * 1: armed, the event fd will tell. 0: there is work, take another turn. 2: armed, but a peer that is not reading holds up what
 * was sent, and nothing tells when it reads again: take a turn now and then.
 */
int32_t mrx_arm(mrx_engine *engine);

#endif
