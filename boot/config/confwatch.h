/*
 * The daemon's configuration directory in one-step mode: watched, and the mounted content passed to
 * the daemon. The daemon loads a change from the path that it was started with; for another path,
 * and for a new auth key while it needs one, it must be started again, because it logs in only with
 * the key of its start. A file that does not load, or that the daemon refuses, changes nothing: the
 * previous configuration stays in force, the reason is logged once (conditions ConfigInvalid,
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
	/* The daemon must be started again. */
	void (*on_restart)(void *arg);
	/* The daemon has loaded a change. */
	void (*on_loaded)(void *arg);
	/* Whether a restart of the daemon would use a key that was not tried yet. */
	bool (*needs_login)(void *arg);
	void *arg;
};

/* Checks at once, from the loop, for changes since the start of the daemon. */
struct confwatch *confwatch_new(struct loop *loop, struct localapi *api,
	struct condition_set *conditions, const struct confwatch_options *options,
	const struct confwatch_events *events);
void confwatch_free(struct confwatch *c);
/* Makes the daemon load the file again although its bytes are the same. */
void confwatch_reload(struct confwatch *c);

#endif
