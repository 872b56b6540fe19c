/*
 * Starts the daemon: command line and environment from the settings. The struct owns what the
 * daemon borrows.
 *
 *	struct daemon *daemon = launch_daemon(&launch, &partners, &events);
 *	if (daemon_start(daemon, &e) < 0) …
 */
#ifndef BOOT_DAEMON_LAUNCH_H
#define BOOT_DAEMON_LAUNCH_H

#include "lib/base/str.h"

struct ca_bundle;
struct condition_set;
struct config_source;
struct daemon;
struct daemon_events;
struct loop;
struct mask;
struct proc_table;
struct settings;
struct times;

/* All borrowed. */
struct launch_partners {
	struct loop *loop;
	struct proc_table *procs;
	struct condition_set *conditions;
	const struct mask *mask; /* for the daemon's output */
	const struct settings *settings;
	const struct times *times;
	struct config_source *config; /* NULL without a configuration file */
	struct ca_bundle *ca;
};

/* Zeroed is empty. */
struct launch {
	const struct settings *settings_ref;
	struct config_source *config_ref;
	struct ca_bundle *ca_ref;
	struct strv env; /* of the daemon, when it differs from ours */
};

/* To be called once; the launch must outlive the daemon. */
struct daemon *launch_daemon(struct launch *l, const struct launch_partners *partners,
	const struct daemon_events *events);
/* The environment of the daemon, borrowed. */
char *const *launch_env(const struct launch *l);
void launch_fini(struct launch *l); /* wipes */

/* Makes a link at the default path of the socket, where tools look for it. A failure is logged. */
void launch_link_socket(const struct settings *settings);

#endif
