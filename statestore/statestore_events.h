/* The log events of statestore. How a row reads: lib/base/log_events.h. */
#ifndef STATESTORE_STATESTORE_EVENTS_H
#define STATESTORE_STATESTORE_EVENTS_H

#include "lib/base/log.h"

/* clang-format off */

/* statestore */
#define EV_STORE_REVIEW_FAILED "store.review_failed", LOG_LEVEL_WARNING, "verb,secret,reason", "error checking %s permission on secret %s: %s"
#define EV_STORE_SETUP_RETRY "store.setup_retry", LOG_LEVEL_WARNING, "verb,secret,reason", "cannot %s Secret %s yet, trying again: %s"

/* clang-format on */

#endif
