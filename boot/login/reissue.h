/*
 * Gets a new auth key from the operator that manages the Secret: cut the daemon off control,
 * request a key in the state Secret, wait for a configuration file with another key, clear the
 * request. The bus stays subscribed meanwhile, so a login that nevertheless succeeds ends the wait
 * (reissue_free).
 */
#ifndef BOOT_LOGIN_REISSUE_H
#define BOOT_LOGIN_REISSUE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/base/secret.h"

struct config_source;
struct kube;
struct localapi;
struct loop;
struct reissue;
struct statestore;

struct reissue_options {
	const char *config_dir;       /* watched */
	struct config_source *config; /* borrowed; its key in force is the one that failed */
	const char *secret;           /* name of the state Secret */
	uint32_t limit_ms;
	uint32_t limit_shown_ms; /* in texts, which do not change in shortened tests */
	uint32_t retry_base_ms, retry_max_ms;
};

/* Called exactly once, never from within reissue_new: err is NULL when a new key has arrived. */
typedef void (*reissue_fn)(void *arg, const struct err *err);

struct reissue *reissue_new(struct loop *loop, struct localapi *api, struct kube *kube,
	struct statestore *store, const struct reissue_options *options, reissue_fn fn, void *arg);
/* A request stands in the Secret. */
bool reissue_is_asked(const struct reissue *r);
/* Ends it without a callback. A request in the Secret stays there: a Pod that stops, or no longer
 * waits, still needs the key. */
void reissue_free(struct reissue *r);

#endif
