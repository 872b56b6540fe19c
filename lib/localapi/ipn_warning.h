/*
 * Health warnings of one notification while it is being read from the stream.
 */
#ifndef LIB_LOCALAPI_IPN_WARNING_H
#define LIB_LOCALAPI_IPN_WARNING_H

#include <stddef.h>

#include "lib/localapi/ipnbus.h"

struct jscan_event;

/* Zeroed is empty. */
struct ipn_warnings {
	struct ipn_warning items[IPN_WARNINGS_MAX]; /* owned */
	size_t count;
};

void ipn_warnings_reset(struct ipn_warnings *w);
/* Adds the warning object of the event, whose key is its code; anything but an object, or beyond
 * IPN_WARNINGS_MAX, counts as absent. */
void ipn_warnings_read(struct ipn_warnings *w, const struct jscan_event *ev);

#endif
