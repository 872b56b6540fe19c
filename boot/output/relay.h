/*
 * Passes the output of a child on to our standard error: line by line, bytes unchanged, secrets
 * masked; the newest bytes are kept. A reader that is too slow loses lines, which are counted
 * (lib/base/log.h), and never stalls the child.
 *
 *	relay_init(&relay, &mask, 4096);
 *	relay_feed(&relay, data, len);
 *	relay_end(&relay);
 *	relay_said(&relay)
 */
#ifndef BOOT_OUTPUT_RELAY_H
#define BOOT_OUTPUT_RELAY_H

#include <stddef.h>

#include "lib/base/buf.h"

struct mask;

/* Longest line that is held back to be masked as a whole; longer ones are passed on in parts. */
#define RELAY_LINE_MAX ((size_t)16 * 1024)

struct relay {
	const struct mask *mask_ref;
	struct buf line; /* incomplete */
	struct buf said;
};

/* mask is borrowed; kept_max bytes are kept. */
void relay_init(struct relay *r, const struct mask *mask, size_t kept_max);
void relay_fini(struct relay *r); /* wipes; zeroed is accepted */

void relay_feed(struct relay *r, const char *data, size_t len);
/* Nothing follows: a line without an end is passed on as well. */
void relay_end(struct relay *r);
/* Drops the kept bytes. */
void relay_reset(struct relay *r);

/* The newest bytes, masked, without NUL. Borrowed until the next call. */
const char *relay_said(const struct relay *r);
/* The last kept line that is not blank, "" when there is none; only its end when it is longer than
 * size permits. */
void relay_last_line(const struct relay *r, char *out, size_t size);

#endif
