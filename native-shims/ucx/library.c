/*
 * Loads UCX without side effects on the process. While it is loaded, UCX reads its settings for logging, signals and memory hooks from
 * the environment. JavaScript cannot change the environment from every thread, so we set the variables here around dlopen, and restore
 * them.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

typedef struct {
  const char *name;
  const char *value;
  bool is_default; /* a value of the user has priority */
} setting;

static const setting settings[] = {
    /* The hooks would patch functions while other threads run them. */
    {"UCX_MEM_EVENTS", "n", false},
    {"UCX_MEM_MMAP_HOOK_MODE", "none", false},
    {"UCX_MEM_CUDA_HOOK_MODE", "none", false},
    {"UCX_MEM_MALLOC_HOOKS", "n", false},
    {"UCX_MEM_MALLOC_RELOC", "n", false},
    {"UCX_MEM_DYNAMIC_MMAP_THRESH", "n", false},
    {"UCX_MEMTYPE_CACHE", "n", false},
    /* Signals belong to the program. */
    {"UCX_HANDLE_ERRORS", "none", false},
    {"UCX_ERROR_SIGNALS", "", false},
    {"UCX_DEBUG_SIGNO", "0", false},
    /* VFS starts a thread that mounts a file system for diagnostics. */
    {"UCX_VFS_ENABLE", "n", false},
    {"UCX_WARN_UNUSED_ENV_VARS", "n", false},
    {"UCX_LOG_LEVEL", "fatal", true},
    {"UCX_LOG_FILE", "stderr", true},
};

enum { SETTINGS = sizeof settings / sizeof settings[0] };

static pthread_mutex_t guard = PTHREAD_MUTEX_INITIALIZER;
static mrx_ucp loaded;
static bool is_loaded;
static uint32_t version;

const mrx_ucp *mrx_ucp_loaded(void) { return __atomic_load_n(&is_loaded, __ATOMIC_ACQUIRE) ? &loaded : NULL; }

uint32_t mrx_ucx_version(void) { return mrx_ucp_loaded() == NULL ? 0 : version; }

static void apply_settings(char *kept[SETTINGS]) {
  for (int i = 0; i < SETTINGS; i++) {
    const char *own = getenv(settings[i].name);
    kept[i] = own == NULL ? NULL : strdup(own);
    if (own == NULL || !settings[i].is_default) setenv(settings[i].name, settings[i].value, 1);
  }
}

static void restore_settings(char *kept[SETTINGS]) {
  for (int i = 0; i < SETTINGS; i++) {
    if (kept[i] == NULL) {
      unsetenv(settings[i].name);
    } else {
      setenv(settings[i].name, kept[i], 1);
      free(kept[i]);
    }
  }
}

static bool resolve(void *library, void *target, const char *name) {
  void *symbol = dlsym(library, name);
  memcpy(target, &symbol, sizeof symbol);
  return symbol != NULL;
}

static bool resolve_all(void *library, mrx_ucp *into) {
  return resolve(library, &into->get_version, "ucp_get_version") &&
         resolve(library, &into->config_read, "ucp_config_read") &&
         resolve(library, &into->config_modify, "ucp_config_modify") &&
         resolve(library, &into->config_release, "ucp_config_release") &&
         resolve(library, &into->init_version, "ucp_init_version") &&
         resolve(library, &into->cleanup, "ucp_cleanup") &&
         resolve(library, &into->worker_create, "ucp_worker_create") &&
         resolve(library, &into->worker_destroy, "ucp_worker_destroy") &&
         resolve(library, &into->worker_get_efd, "ucp_worker_get_efd") &&
         resolve(library, &into->worker_arm, "ucp_worker_arm") &&
         resolve(library, &into->worker_progress, "ucp_worker_progress") &&
         resolve(library, &into->worker_get_address, "ucp_worker_get_address") &&
         resolve(library, &into->worker_release_address, "ucp_worker_release_address") &&
         resolve(library, &into->worker_set_am_recv_handler, "ucp_worker_set_am_recv_handler") &&
         resolve(library, &into->ep_create, "ucp_ep_create") &&
         resolve(library, &into->ep_print_info, "ucp_ep_print_info") &&
         resolve(library, &into->am_send_nbx, "ucp_am_send_nbx") &&
         resolve(library, &into->request_free, "ucp_request_free") &&
         resolve(library, &into->status_string, "ucs_status_string");
}

static int32_t load(const char *name) {
  char *kept[SETTINGS];
  apply_settings(kept);
  mrx_descriptors_remember();
  void *library = dlopen(name, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  mrx_descriptors_sweep();
  restore_settings(kept);
  if (library == NULL) return mrx_fail(MRX_NO_LIBRARY, "%s", dlerror());
  mrx_ucp functions;
  if (!resolve_all(library, &functions)) return mrx_fail(MRX_NO_LIBRARY, "%s: %s", name, dlerror());
  unsigned major, minor, release;
  functions.get_version(&major, &minor, &release);
  if (major != UCP_API_MAJOR || minor < 13) {
    return mrx_fail(MRX_NO_LIBRARY, "%s is UCX %u.%u.%u; 1.13 or a later 1.x is needed", name, major, minor, release);
  }
  loaded = functions;
  version = major * 65536 + minor * 256 + release;
  __atomic_store_n(&is_loaded, true, __ATOMIC_RELEASE);
  return MRX_OK;
}

int32_t mrx_load(const char *library) {
  pthread_mutex_lock(&guard);
  int32_t status = is_loaded ? MRX_OK : load(library == NULL ? "libucp.so.0" : library);
  pthread_mutex_unlock(&guard);
  return status;
}
