/*
 * Private certificate authorities for tailscaled and the tailscale commands: TAILBOOT_CA_FILE.
 *
 * A program in Go reads SSL_CERT_FILE instead of the system's bundle. So the certificates of the
 * file are merged with that bundle, the result is written beside the daemon's socket, and our own
 * environment, which the children inherit, gets SSL_CERT_FILE with its path.
 *
 *	ca_bundle_open(&ca, &partners, &e);
 *	ca_bundle_refresh(&ca);		before each start of the daemon
 *
 * The file is watched. Go reads its certificates once in each process: what has changed is in force
 * for the daemon from its next start on; whether it is started for that is not decided here. While
 * the file cannot be used, or the bundle not be written, it stays as it is, and is tried again.
 */
#ifndef BOOT_DAEMON_CA_BUNDLE_H
#define BOOT_DAEMON_CA_BUNDLE_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/backoff.h"
#include "lib/base/buf.h"
#include "lib/base/digest.h"
#include "lib/io/timer.h"

#define CA_BUNDLE_MAX (8u << 20)

struct condition_set;
struct fswatch;
struct loop;
struct settings;
struct times;

/* All borrowed. */
struct ca_bundle_partners {
	struct loop *loop;
	struct condition_set *conditions;
	const struct settings *settings;
	const struct times *times;
	void (*on_newer)(void *arg); /* the bundle has changed since the daemon's start */
	void *arg;
};

/* Zeroed is without a file. */
struct ca_bundle {
	struct ca_bundle_partners partners;
	struct fswatch *watch;
	struct timer retry; /* after a failure */
	struct backoff backoff;
	char *path; /* of the merged bundle */
	struct digest digest;
	bool is_written;
	bool is_newer; /* than what the running daemon has read */
};

struct ca_bundle_facts {
	size_t count;       /* certificates in the file */
	const char *system; /* the bundle that they are added to, NULL when there is none */
};

/* Appends the merged bundle to out, with a cap of CA_BUNDLE_MAX. The error names variable, file and
 * line. The paths in facts are borrowed from the settings or constant. */
int ca_bundle_merge(const struct settings *s, struct buf *out, struct ca_bundle_facts *facts,
	struct err *e) MUST_CHECK;

/* Does nothing without TAILBOOT_CA_FILE. Call before anything is started; changes environ. */
int ca_bundle_open(
	struct ca_bundle *c, const struct ca_bundle_partners *partners, struct err *e) MUST_CHECK;
/* Before a start of the daemon. A failure raises a condition. */
void ca_bundle_refresh(struct ca_bundle *c);
void ca_bundle_fini(struct ca_bundle *c); /* removes the bundle */

#endif
