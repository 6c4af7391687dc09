/*
 * One link in UCX: its own worker, and an endpoint to the worker of the peer. Links do not share a worker, because a peer that is killed
 * in the middle of a send would block all links of that worker.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "internal.h"

/* The id of our handler among the active messages of a worker. */
enum { SEGMENTS = 1 };

typedef struct {
  const char *name;
  const char *value;
} setting;

/*
 * With more than one lane, eager messages could overtake each other. UCX silently ignores unknown names; those of its shared memory
 * start with MM.
 */
static const setting shared_memory_settings[] = {
    {"TLS", "posix"},
    {"ADDRESS_VERSION", "v1"},
    {"ADDRESS_DEBUG_INFO", "n"},
    {"MAX_EAGER_LANES", "1"},
    {"MAX_RNDV_LANES", "1"},
    /* Room for a whole window of segments, so that a peer that does not read for a while does not block us. */
    {"MM_FIFO_SIZE", "256"},
    /* A small frame fits into the FIFO element. */
    {"MM_FIFO_ELEM_SIZE", "256"},
    /* The caller checks the segment of a peer, which it finds by process and descriptor, and expects the size of its own. */
    {"POSIX_USE_PROC_LINK", "y"},
    {"POSIX_HUGETLB_MODE", "n"},
    {NULL, NULL},
};

static const setting tcp_settings[] = {
    {"TLS", "tcp"},
    {"ADDRESS_VERSION", "v1"},
    {"ADDRESS_DEBUG_INFO", "n"},
    {"MAX_EAGER_LANES", "1"},
    {"MAX_RNDV_LANES", "1"},
    {"TCP_TX_SEG_SIZE", "64k"},
    {NULL, NULL},
};

/* Most bytes of a frame in one segment: with our header and that of UCX, it fits into one buffer of the UCX transport. */
enum { SHARED_MEMORY_SEGMENT = 8192, TCP_SEGMENT = 32768 };

static int32_t configure(ucp_config_t *config, const setting *settings, const char *devices) {
  const mrx_ucp *ucp = mrx_ucp_loaded();
  for (const setting *each = settings; each->name != NULL; each++) {
    ucs_status_t status = ucp->config_modify(config, each->name, each->value);
    if (status != UCS_OK) return mrx_fail(MRX_UCX, "setting %s: %s", each->name, ucp->status_string(status));
  }
  if (devices == NULL) return MRX_OK;
  ucs_status_t status = ucp->config_modify(config, "NET_DEVICES", devices);
  return status == UCS_OK ? MRX_OK : mrx_fail(MRX_UCX, "interfaces %s: %s", devices, ucp->status_string(status));
}

static int32_t make_context(mrx_engine *engine, uint32_t fabric, const char *devices) {
  if (engine->contexts[fabric] != NULL) return MRX_OK;
  const mrx_ucp *ucp = mrx_ucp_loaded();
  ucp_config_t *config;
  ucs_status_t status = ucp->config_read(NULL, NULL, &config);
  if (status != UCS_OK) return mrx_fail(MRX_UCX, "reading settings: %s", ucp->status_string(status));
  bool is_tcp = fabric == MRX_TCP;
  int32_t result = configure(config, is_tcp ? tcp_settings : shared_memory_settings, is_tcp ? devices : NULL);
  if (result == MRX_OK) {
    ucp_params_t parameters = {
        .field_mask = UCP_PARAM_FIELD_FEATURES | UCP_PARAM_FIELD_ESTIMATED_NUM_EPS,
        .features = UCP_FEATURE_AM | UCP_FEATURE_WAKEUP,
        .estimated_num_eps = 1,
    };
    status = ucp->init_version(UCP_API_MAJOR, 13, &parameters, config, &engine->contexts[fabric]);
    if (status != UCS_OK) {
      engine->contexts[fabric] = NULL;
      result = mrx_fail(MRX_UCX, "%s: %s", is_tcp ? devices : "shared memory", ucp->status_string(status));
    }
  }
  ucp->config_release(config);
  return result;
}

static int32_t make_worker(mrx_engine *engine, mrx_link *link) {
  const mrx_ucp *ucp = mrx_ucp_loaded();
  ucp_worker_params_t parameters = {
      .field_mask = UCP_WORKER_PARAM_FIELD_THREAD_MODE,
      /* Serialized, not single: mrx_reap() runs on another thread. */
      .thread_mode = UCS_THREAD_MODE_SERIALIZED,
  };
  ucs_status_t status = ucp->worker_create(engine->contexts[link->fabric], &parameters, &link->worker);
  if (status != UCS_OK) {
    link->worker = NULL;
    return mrx_fail(MRX_UCX, "creating a worker: %s", ucp->status_string(status));
  }
  ucp_am_handler_param_t handler = {
      .field_mask = UCP_AM_HANDLER_PARAM_FIELD_ID | UCP_AM_HANDLER_PARAM_FIELD_CB | UCP_AM_HANDLER_PARAM_FIELD_ARG,
      .id = SEGMENTS - 1,
      .cb = mrx_segment_arrived,
      .arg = link,
  };
  status = ucp->worker_set_am_recv_handler(link->worker, &handler);
  int event_fd = -1;
  if (status == UCS_OK) status = ucp->worker_get_efd(link->worker, &event_fd);
  if (status != UCS_OK) return mrx_fail(MRX_UCX, "preparing a worker: %s", ucp->status_string(status));
  __atomic_store_n(&link->event_fd, event_fd, __ATOMIC_RELAXED);
  struct epoll_event event = {.events = EPOLLIN, .data.u32 = link->slot};
  if (epoll_ctl(engine->epoll_fd, EPOLL_CTL_ADD, event_fd, &event) != 0) {
    return mrx_fail(MRX_NO_MEMORY, "watching a worker: %m");
  }
  /* After that: mrx_quiet() sets the flag before it removes the descriptors. The caller removes this one when it destroys the link. */
  if (__atomic_load_n(&engine->is_quiet, __ATOMIC_SEQ_CST)) return mrx_fail(MRX_BAD_ARGUMENT, "this thread is ending");
  return MRX_OK;
}

static mrx_link *free_slot(mrx_engine *engine) {
  for (uint32_t slot = 0; slot < MRX_LINKS; slot++) {
    if (engine->links[slot].handle == 0) return &engine->links[slot];
  }
  return NULL;
}

/* No two links of an engine have the same handle. The low bits are the slot. */
static uint32_t next_handle(mrx_engine *engine, uint32_t slot) {
  engine->generation = (engine->generation + 1) & 0x00ffffffu;
  if (engine->generation == 0) engine->generation = 1;
  return engine->generation * MRX_LINKS + slot;
}

int64_t mrx_link_open(mrx_engine *engine, uint32_t fabric, const char *devices, uint64_t token) {
  if (!mrx_engine_is_open(engine) || (fabric != MRX_SHARED_MEMORY && fabric != MRX_TCP)) {
    return mrx_fail(MRX_BAD_ARGUMENT, "no engine, or no fabric %u", fabric);
  }
  if (fabric == MRX_TCP && (devices == NULL || devices[0] == '\0')) {
    return mrx_fail(MRX_BAD_ARGUMENT, "TCP needs the names of trusted network interfaces");
  }
  mrx_link *link = free_slot(engine);
  if (link == NULL) return mrx_fail(MRX_FULL, "%u links are open", MRX_LINKS);
  uint32_t slot = (uint32_t)(link - engine->links);
  *link = (mrx_link){
      .engine = engine,
      .handle = next_handle(engine, slot),
      .slot = slot,
      .fabric = fabric,
      .segment_bytes = fabric == MRX_TCP ? TCP_SEGMENT : SHARED_MEMORY_SEGMENT,
      .event_fd = -1,
      .token_in = token,
      .slabs = mrx_block_take(MRX_BLOCK_SLABS),
      .words = &engine->rings->links[slot],
  };
  memset(link->words, 0, sizeof *link->words);
  int32_t status = link->slabs == NULL ? MRX_NO_MEMORY : MRX_OK;
  if (status == MRX_OK) status = make_context(engine, fabric, devices);
  if (status == MRX_OK) status = make_worker(engine, link);
  mrx_descriptors_sweep();
  if (status == MRX_OK) return link->handle;
  mrx_link_destroy(link);
  return status;
}

mrx_slabs *mrx_link_slabs(mrx_engine *engine, uint32_t handle) {
  mrx_link *link = mrx_link_find(engine, handle);
  return link == NULL ? NULL : link->slabs;
}

int32_t mrx_link_address(mrx_engine *engine, uint32_t handle, uint8_t *address, uint32_t capacity) {
  mrx_link *link = mrx_link_find(engine, handle);
  if (link == NULL || address == NULL) return mrx_fail(MRX_BAD_ARGUMENT, "no such link");
  const mrx_ucp *ucp = mrx_ucp_loaded();
  ucp_address_t *own;
  size_t length;
  ucs_status_t status = ucp->worker_get_address(link->worker, &own, &length);
  if (status != UCS_OK) return mrx_fail(MRX_UCX, "address: %s", ucp->status_string(status));
  if (length <= capacity) memcpy(address, own, length);
  ucp->worker_release_address(link->worker, own);
  return length <= capacity ? (int32_t)length : mrx_fail(MRX_BAD_ARGUMENT, "the address has %zu bytes, more than the buffer", length);
}

static void on_endpoint_error(void *argument, ucp_ep_h endpoint, ucs_status_t status) {
  (void)endpoint;
  mrx_link *link = argument;
  if (link->is_dead) return;
  mrx_fail(MRX_LOST, "UCX: %s", mrx_ucp_loaded()->status_string(status));
  mrx_link_fault(link, MRX_LOST);
}

/* Calls `visit` with the name of each transport of the endpoint. UCX 1.13 only prints them. */
static int32_t each_transport(mrx_link *link, void (*visit)(void *argument, const char *name), void *argument) {
  char *text = NULL;
  size_t size = 0;
  FILE *stream = open_memstream(&text, &size);
  if (stream == NULL) return mrx_fail(MRX_NO_MEMORY, "no memory to list transports");
  mrx_ucp_loaded()->ep_print_info(link->endpoint, stream);
  fclose(stream);
  int32_t count = 0;
  char *rest = NULL;
  for (char *line = strtok_r(text, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest)) {
    /* "#   lane[0]:  1:posix/memory.0 md[1] -> ..." */
    char name[64];
    char *lane = strstr(line, "lane[");
    if (lane == NULL || sscanf(lane, "lane[%*d]: %*d:%63[^/]/", name) != 1) continue;
    visit(argument, name);
    count++;
  }
  free(text);
  return count;
}

typedef struct {
  uint32_t fabric;
  bool is_wrong;
} expectation;

static void compare(void *argument, const char *name) {
  expectation *expected = argument;
  bool is_right = expected->fabric == MRX_TCP ? strcmp(name, "tcp") == 0 : strcmp(name, "posix") == 0;
  if (!is_right) expected->is_wrong = true;
}

static int32_t check_transport(mrx_link *link) {
  expectation expected = {.fabric = link->fabric};
  int32_t count = each_transport(link, compare, &expected);
  if (count < 0) return count;
  if (count > 0 && !expected.is_wrong) return MRX_OK;
  char names[128] = "none";
  mrx_link_transports(link->engine, link->handle, names, sizeof names);
  return mrx_fail(MRX_WRONG_TRANSPORT, "UCX chose %s", names);
}

int32_t mrx_link_connect(mrx_engine *engine, uint32_t handle, const uint8_t *address, uint32_t length, uint64_t token) {
  mrx_link *link = mrx_link_find(engine, handle);
  if (link == NULL || link->endpoint != NULL) return mrx_fail(MRX_BAD_ARGUMENT, "no such link, or it is already connected");
  if (address == NULL || length == 0 || length > MRX_ADDRESS_BYTES) return mrx_fail(MRX_BAD_ARGUMENT, "no address");
  ucp_ep_params_t parameters = {
      .field_mask = UCP_EP_PARAM_FIELD_REMOTE_ADDRESS | UCP_EP_PARAM_FIELD_ERR_HANDLING_MODE | UCP_EP_PARAM_FIELD_ERR_HANDLER,
      .address = (const ucp_address_t *)address,
      /* With peer failure handling, UCX would silently use TCP instead of shared memory. */
      .err_mode = link->fabric == MRX_TCP ? UCP_ERR_HANDLING_MODE_PEER : UCP_ERR_HANDLING_MODE_NONE,
      .err_handler = {.cb = on_endpoint_error, .arg = link},
  };
  ucs_status_t status = mrx_ucp_loaded()->ep_create(link->worker, &parameters, &link->endpoint);
  mrx_descriptors_sweep();
  if (status != UCS_OK) {
    link->endpoint = NULL;
    return mrx_fail(MRX_UCX, "connecting: %s", mrx_ucp_loaded()->status_string(status));
  }
  link->token_out = token;
  link->hello_pending = true;
  return check_transport(link);
}

typedef struct {
  char *names;
  size_t capacity;
} list;

static void append(void *argument, const char *name) {
  list *into = argument;
  size_t used = strlen(into->names);
  snprintf(into->names + used, into->capacity - used, "%s%s", used == 0 ? "" : ",", name);
}

int32_t mrx_link_transports(mrx_engine *engine, uint32_t handle, char *names, uint32_t capacity) {
  mrx_link *link = mrx_link_find(engine, handle);
  if (link == NULL || link->endpoint == NULL || names == NULL || capacity == 0) {
    return mrx_fail(MRX_BAD_ARGUMENT, "no such link, or it is not connected");
  }
  names[0] = '\0';
  list into = {.names = names, .capacity = capacity};
  int32_t count = each_transport(link, append, &into);
  return count < 0 ? count : MRX_OK;
}

const char *mrx_link_reason(mrx_engine *engine, uint32_t handle) {
  mrx_link *link = mrx_link_find(engine, handle);
  return link == NULL ? "" : link->reason;
}

static int32_t lend(mrx_engine *engine, uint32_t handle, uint32_t lane, const uint8_t *block, uint32_t length, mrx_link **link) {
  *link = mrx_link_find(engine, handle);
  if (*link == NULL || lane >= MRX_LANES || block == NULL) return mrx_fail(MRX_BAD_ARGUMENT, "no such link, lane or block");
  if (length > MRX_FRAME_BYTES && length <= MRX_LARGEST_BYTES) return MRX_OK;
  return mrx_fail(MRX_BAD_ARGUMENT, "a block of %u bytes", length);
}

int32_t mrx_lend_transmit(mrx_engine *engine, uint32_t handle, uint32_t lane, const uint8_t *block, uint32_t length) {
  mrx_link *link;
  int32_t status = lend(engine, handle, lane, block, length, &link);
  if (status != MRX_OK) return status;
  if (link->transmit[lane].lent != NULL) return mrx_fail(MRX_BAD_ARGUMENT, "this lane already has a lent block");
  link->transmit[lane].lent = (uint8_t *)block;
  link->transmit[lane].lent_length = length;
  return MRX_OK;
}

int32_t mrx_lend_receive(mrx_engine *engine, uint32_t handle, uint32_t lane, uint8_t *block, uint32_t length) {
  mrx_link *link;
  int32_t status = lend(engine, handle, lane, block, length, &link);
  if (status != MRX_OK) return status;
  mrx_receive *receive = &link->receive[lane];
  uint32_t place = receive->lent % MRX_BLOCKS;
  bool is_announced = receive->lent != receive->announced && receive->lengths[place] == length;
  if (!is_announced) return mrx_fail(MRX_BAD_ARGUMENT, "no such block was announced");
  receive->blocks[place] = block;
  receive->lent++;
  link->clears_pending[lane]++;
  return MRX_OK;
}

void mrx_link_destroy(mrx_link *link) {
  link->is_dead = true;
  if (link->worker != NULL) {
    if (link->event_fd >= 0) epoll_ctl(link->engine->epoll_fd, EPOLL_CTL_DEL, link->event_fd, NULL);
    /* Closes the endpoint and cancels its sends. With shared memory there is no other way. */
    mrx_ucp_loaded()->worker_destroy(link->worker);
  }
  for (uint32_t lane = 0; lane < MRX_LANES; lane++) mrx_lane_free(&link->transmit[lane]);
  mrx_block_give(MRX_BLOCK_SLABS, link->slabs);
  link->slabs = NULL;
  link->worker = NULL;
  link->endpoint = NULL;
  link->handle = 0;
}

int32_t mrx_link_close(mrx_engine *engine, uint32_t handle) {
  mrx_link *link = mrx_link_find(engine, handle);
  if (link == NULL) return mrx_fail(MRX_BAD_ARGUMENT, "no such link");
  mrx_link_destroy(link);
  return MRX_OK;
}
