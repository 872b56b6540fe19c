/* The log events of the loop and what waits in it. How a row reads: lib/base/log_events.h. */
#ifndef LIB_IO_IO_EVENTS_H
#define LIB_IO_IO_EVENTS_H

#include "lib/base/log.h"

/* clang-format off */

/* io: loop, children, watches, HTTP */
#define EV_HTTP_LISTENER_CLOSED "http.closed", LOG_LEVEL_INFO, "address", "HTTP server at %s closed"

/* clang-format on */

#endif
