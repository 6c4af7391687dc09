/* The error message of the last failure on each thread. */
#include <stdarg.h>
#include <stdio.h>

#include "internal.h"

static _Thread_local char last_reason[MRX_REASON_BYTES];

int32_t mrx_fail(int32_t status, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(last_reason, sizeof last_reason, format, arguments);
  va_end(arguments);
  return status;
}

const char *mrx_last_reason(void) { return last_reason; }
