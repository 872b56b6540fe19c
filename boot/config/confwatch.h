/*
 * The daemon's configuration directory in one-step mode: watched, and the daemon made to have what
 * is mounted. It loads a change from the path that it was started with; for another path, and for
 * a new auth key while it needs one, it has to be started again, because it logs in with the key
 * of its start alone. A file that does not load, or that the daemon refuses, changes nothing: the
 * configuration of before goes on, the reason is logged once (conditions ConfigInvalid,
 * ConfigReloadFailed), and a failed call is tried again.
 */
#ifndef BOOT_CONFIG_CONFWATCH_H
#define BOOT_CONFIG_CONFWATCH_H

#include <stdbool.h>
#include <stdint.h>

struct condition_set;
struct config_source;
struct confwatch;
struct localapi;
struct loop;

struct confwatch_options {
	const char *dir;
	struct config_source *source; /* borrowed */
	uint32_t debounce_ms;
	uint32_t retry_base_ms, retry_max_ms;
};

struct confwatch_events {
	/* The daemon is to be started again. */
	void (*on_restart)(void *arg);
	/* Whether a key that was not tried yet would be used at a new start of the daemon. */
	bool (*needs_login)(void *arg);
	void *arg;
};

/* Looks at once for what changed since the start of the daemon, from the loop. */
struct confwatch *confwatch_new(struct loop *loop, struct localapi *api,
	struct condition_set *conditions, const struct confwatch_options *options,
	const struct confwatch_events *events);
void confwatch_free(struct confwatch *c);
/* Has the daemon load the file again although its bytes are the same. */
void confwatch_reload(struct confwatch *c);

#endif
