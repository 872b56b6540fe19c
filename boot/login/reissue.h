/*
 * A new auth key from whoever manages the Secret: cut the daemon off control, ask for a key in
 * the state Secret, wait for a configuration file with another key, clear the request. The bus
 * stays subscribed meanwhile, so a login that succeeds after all ends the wait (reissue_free).
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
	uint32_t limit_shown_ms; /* in texts, which are the same under a shortened test */
	uint32_t retry_base_ms, retry_max_ms;
};

/* Exactly once, never from within reissue_new: err is NULL when a new key has come. */
typedef void (*reissue_fn)(void *arg, const struct err *err);

struct reissue *reissue_new(struct loop *loop, struct localapi *api, struct kube *kube,
	struct statestore *store, const struct reissue_options *options, reissue_fn fn, void *arg);
/* A request stands in the Secret. */
bool reissue_is_asked(const struct reissue *r);
/* Ends it without a callback. A request that stands in the Secret stays there: a Pod that stops, or
 * that waits no longer, needs the key all the same. */
void reissue_free(struct reissue *r);

#endif
