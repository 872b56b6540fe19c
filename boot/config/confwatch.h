/*
 * The daemon's configuration file in one-step mode: watched, and the daemon told to load it again
 * when its bytes changed. A file that does not load, or that the daemon refuses, changes nothing:
 * the old configuration goes on, the reason is logged once (conditions ConfigInvalid,
 * ConfigReloadFailed), and a failed call is tried again.
 */
#ifndef BOOT_CONFIG_CONFWATCH_H
#define BOOT_CONFIG_CONFWATCH_H

#include <stdint.h>

struct condition_set;
struct confwatch;
struct localapi;
struct loop;

struct confwatch_options {
	const char *path;
	uint32_t debounce_ms;
	uint32_t retry_base_ms, retry_max_ms;
};

/* Starts from the content as it is now. */
struct confwatch *confwatch_new(struct loop *loop, struct localapi *api,
	struct condition_set *conditions, const struct confwatch_options *options);
void confwatch_free(struct confwatch *c);
/* Tells the daemon to load the file again although its bytes are the same. */
void confwatch_reload(struct confwatch *c);

#endif
