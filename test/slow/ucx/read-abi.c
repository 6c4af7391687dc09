/* Prints the numbers of the shim at argv[1], one a line, and then why UCX cannot be loaded: there is none of this machine's kind. */
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>

int main(int argc, char **argv) {
  void *shim = argc == 2 ? dlopen(argv[1], RTLD_NOW) : NULL;
  if (shim == NULL) return fprintf(stderr, "%s\n", dlerror()), 1;
  const uint32_t *(*abi)(void) = (const uint32_t *(*)(void))dlsym(shim, "mrx_abi");
  int32_t (*load)(const char *) = (int32_t (*)(const char *))dlsym(shim, "mrx_load");
  const char *(*reason)(void) = (const char *(*)(void))dlsym(shim, "mrx_last_reason");
  if (abi == NULL || load == NULL || reason == NULL) return fprintf(stderr, "%s\n", dlerror()), 1;
  const uint32_t *number = abi();
  do printf("%u\n", *number);
  while (*number++ != UINT32_MAX);
  printf("%d %s\n", load("libucp-nowhere.so.0"), reason());
  return 0;
}
