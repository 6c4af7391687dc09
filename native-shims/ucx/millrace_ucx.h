/*
 * The ABI between the UCX rings and their caller. src/transport/ucx mirrors this header only. mrx_abi() exports sizes, offsets and the
 * version; they are compared when the library is loaded.
 *
 *   caller                        shared memory                        shim
 *   writes entries, moves  -->  submission ring  [ head ... tail )  -->  sends through UCX
 *   reads entries, moves   <--  completion ring  [ head ... tail )  <--  callbacks of UCX
 *                               link words: credit and counters
 *   writes frames          -->  transmit slabs, one for each lane   -->
 *   reads frames           <--  receive slabs, one for each lane    <--
 *
 * The caller calls mrx_turn() once per turn of its event loop. An engine belongs to one thread. Other threads may call only mrx_quiet()
 * for it, and mrx_reap() after its thread has ended. Rings and slabs are reused for other links and never unmapped: a stale view reads
 * wrong bytes, but cannot crash.
 */
#ifndef MILLRACE_UCX_H
#define MILLRACE_UCX_H

#include <stddef.h>
#include <stdint.h>

#define MRX_ABI_VERSION 2u
#define MRX_WIRE_VERSION 3u

#define MRX_LANES 2u
#define MRX_LINKS 64u
#define MRX_SUBMISSIONS 4096u
#define MRX_COMPLETIONS 8192u
/* Largest frame that travels through the slabs. Larger frames travel in blocks that both ends lend. */
#define MRX_FRAME_BYTES (68u * 1024u)
#define MRX_LARGEST_BYTES (1024u * 1024u * 1024u)
/* Space before each frame in a transmit slab, for the header of its first segment. */
#define MRX_HEADER_BYTES 32u
/* The credit window, plus a frame being written, plus the bytes lost where the slab wraps around. */
#define MRX_SLAB_BYTES (1280u * 1024u)
/* Credit that a frame uses in addition to its bytes. Also the allocation unit of receive slabs. */
#define MRX_FRAME_COST 64u
#define MRX_ADDRESS_BYTES 8192u
#define MRX_REASON_BYTES 256u

enum mrx_status {
  MRX_OK = 0,
  MRX_NO_LIBRARY = -1,      /* libucp could not be loaded: see mrx_last_reason() */
  MRX_NO_MEMORY = -2,
  MRX_BAD_ARGUMENT = -3,    /* an invalid handle, offset or length */
  MRX_FULL = -4,            /* no free link in this engine */
  MRX_UCX = -5,             /* an error of UCX: see mrx_last_reason() */
  MRX_WRONG_TRANSPORT = -6, /* UCX chose a transport other than the requested one */
  MRX_PROTOCOL = -7,        /* the peer sent invalid data, or more than it has credit for */
  MRX_LOST = -8             /* UCX reports that the connection is lost */
};

enum mrx_fabric { MRX_SHARED_MEMORY = 1, MRX_TCP = 2 };

enum mrx_submission_kind {
  MRX_SEND = 1,       /* the frame at `offset` of the lane's transmit slab */
  MRX_SEND_BLOCK = 2, /* the block lent with mrx_lend_transmit() */
  MRX_GRANT = 3       /* send the credit in the link words to the peer now */
};

enum mrx_completion_kind {
  MRX_RECEIVED = 1,       /* a frame at `offset` of the lane's receive slab; after use, set `released` to `position` */
  MRX_SENT = 2,           /* the oldest unreported frame of the lane: the caller may reuse its memory */
  MRX_CONNECTED = 3,      /* the rings of the peer have reached us */
  MRX_CLOSED = 4,         /* `status` says why; the last completion of this link */
  MRX_ANNOUNCED = 5,      /* a block of `length` bytes was announced: call mrx_lend_receive() */
  MRX_RECEIVED_BLOCK = 6, /* the lent block is full; the caller owns it again */
  MRX_GRANTED = 7         /* the peer has granted credit: see the link words */
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
  uint32_t granted[MRX_LANES];  /* total cost of the frames read */
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

/* The memory that an engine shares with its caller. */
typedef struct {
  mrx_control control;
  mrx_link_words links[MRX_LINKS];
  mrx_submission submissions[MRX_SUBMISSIONS];
  mrx_completion completions[MRX_COMPLETIONS];
} mrx_rings;

/* The memory of one link. */
typedef struct {
  uint8_t transmit[MRX_LANES][MRX_SLAB_BYTES];
  uint8_t receive[MRX_LANES][MRX_SLAB_BYTES];
} mrx_slabs;

typedef struct mrx_engine mrx_engine;

/* Sizes and offsets, in the order of abi.c. Terminated by UINT32_MAX. */
const uint32_t *mrx_abi(void);

/*
 * Loads libucp, once per process. It installs no memory hooks and no signal handlers, prints nothing on stdout, and the environment is
 * unchanged afterwards. `library`: the file to load; NULL for "libucp.so.0".
 */
int32_t mrx_load(const char *library);
/* The message of the last failure on this thread. Valid until the next call on it. */
const char *mrx_last_reason(void);
/* Version of the loaded UCX: major * 65536 + minor * 256 + release. 0 before it is loaded. */
uint32_t mrx_ucx_version(void);

/* `owner` identifies the thread for mrx_reap(). Returns NULL without memory, or before mrx_load(). */
mrx_engine *mrx_open(uint32_t owner);
/* Closes all links, and frees the engine. */
void mrx_close(mrx_engine *engine);
/* Closes the engines of a thread that has ended. Returns their number. */
int32_t mrx_reap(uint32_t owner);
/*
 * Silences the event fds of a thread before it is terminated: their callbacks could not run any more. Its engines, those that it opens later included, never sleep again; those
 * that are asleep are woken, so that no event that the thread has polled waits for its callback. Returns 1; returns 0 if one did not wake
 * up within 100 ms, because the thread hangs: it may have polled an event before. May be called from any other thread.
 */
int32_t mrx_quiet(uint32_t owner);
/* The number of open engines of this process. */
int32_t mrx_engines(void);
/*
 * Writes the process id and the user id of the other end of a Unix socket into `found`. MRX_BAD_ARGUMENT for another kind of descriptor,
 * and for a peer in a PID namespace that this process does not see.
 */
int32_t mrx_peer(int32_t descriptor, uint32_t found[2]);
mrx_rings *mrx_rings_of(mrx_engine *engine);
/* Readable when there may be news for a link, after mrx_arm(), and when mrx_quiet() wakes its thread. */
int32_t mrx_event_fd(mrx_engine *engine);

/*
 * Opens one end of a link. Returns its handle (> 0) or a status. `devices`: the network interfaces for TCP. `token`: every segment of
 * the peer must carry it.
 */
int64_t mrx_link_open(mrx_engine *engine, uint32_t fabric, const char *devices, uint64_t token);
mrx_slabs *mrx_link_slabs(mrx_engine *engine, uint32_t link);
/* Writes the address of this end. Returns its length or a status. */
int32_t mrx_link_address(mrx_engine *engine, uint32_t link, uint8_t *address, uint32_t capacity);
/* Connects to the peer's end. UCX does not check the address, and a wrong one ends the process: the caller must have checked it. */
int32_t mrx_link_connect(mrx_engine *engine, uint32_t link, const uint8_t *address, uint32_t length, uint64_t token);
/* Writes the names of the UCX transports of the link, separated by commas. */
int32_t mrx_link_transports(mrx_engine *engine, uint32_t link, char *names, uint32_t capacity);
/* The reason of MRX_CLOSED. Valid until the link is closed. */
const char *mrx_link_reason(mrx_engine *engine, uint32_t link);
/* Closes this end at once. Drops unsent frames. Reports nothing. */
int32_t mrx_link_close(mrx_engine *engine, uint32_t link);

/* Lends the block of the next MRX_SEND_BLOCK of the lane, until its MRX_SENT or the end of the link. */
int32_t mrx_lend_transmit(mrx_engine *engine, uint32_t link, uint32_t lane, const uint8_t *block, uint32_t length);
/* Lends the block for the oldest frame that was announced and has none, until its MRX_RECEIVED_BLOCK or the end of the link. */
int32_t mrx_lend_receive(mrx_engine *engine, uint32_t link, uint32_t lane, uint8_t *block, uint32_t length);

/*
 * Takes all submissions, lets UCX work, and returns the number of completions in the ring. If there are none, it polls for up to
 * `spin_us`.
 */
int32_t mrx_turn(mrx_engine *engine, uint32_t spin_us);
/*
 * Arms the event fd. 1: armed. 0: there is work, or the thread is ending: take another turn first. 2: armed, but frames wait for a peer that does not read, and no
 * event reports when it reads again: take a turn from time to time.
 */
int32_t mrx_arm(mrx_engine *engine);

#endif
