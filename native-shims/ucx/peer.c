/* Who is at the other end of a Unix socket: Node does not say. */
#define _GNU_SOURCE
#include <sys/socket.h>

#include "internal.h"

int32_t mrx_peer(int32_t descriptor, uint32_t found[2]) {
  struct sockaddr_storage address;
  socklen_t length = sizeof address;
  if (getsockname(descriptor, (struct sockaddr *)&address, &length) != 0 || address.ss_family != AF_UNIX) {
    return mrx_fail(MRX_BAD_ARGUMENT, "no Unix socket");
  }
  struct ucred peer;
  length = sizeof peer;
  if (getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0 || peer.pid <= 0) {
    return mrx_fail(MRX_BAD_ARGUMENT, "the kernel does not name the peer");
  }
  found[0] = (uint32_t)peer.pid;
  found[1] = (uint32_t)peer.uid;
  return MRX_OK;
}
