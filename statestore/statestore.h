/*
 * The place of the node's published fields: a Kubernetes Secret, a folder, or none, behind one
 * interface.
 *
 * The caller sets the desired value of each key (statestore_set); the store decides when to write.
 * One request is in flight at a time, the latest value wins, a key waits until its prerequisites
 * are stored, a value that is already stored is not written again, and a failed write is retried
 * with back-off for as long as the store exists: all keys while the place does not answer, a single
 * key when the place refuses its value. A failure raises the condition StoreWriteFailed; callers
 * need not handle it.
 *
 *	statestore_require(store, STORE_KEY_DEVICE_FQDN, STORE_KEY_DEVICE_ID);
 *	statestore_set(store, STORE_KEY_DEVICE_ID, "nABC");
 *	statestore_set(store, STORE_KEY_DEVICE_FQDN, "web.example.ts.net.");
 */
#ifndef STATESTORE_STATESTORE_H
#define STATESTORE_STATESTORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/contract/state_keys.h"

struct condition_set;
struct loop;
struct statestore;

/* Keys that operators of the reference read. */
#define STORE_KEY_CAPVER STATE_KEY_CAPVER
#define STORE_KEY_POD_UID STATE_KEY_POD_UID
#define STORE_KEY_DEVICE_ID STATE_KEY_DEVICE_ID
#define STORE_KEY_DEVICE_FQDN STATE_KEY_DEVICE_FQDN
#define STORE_KEY_DEVICE_IPS STATE_KEY_DEVICE_IPS
#define STORE_KEY_HTTPS_ENDPOINT STATE_KEY_HTTPS_ENDPOINT
#define STORE_KEY_EGRESS_SERVICES STATE_KEY_EGRESS_SERVICES
#define STORE_KEY_INGRESS_CONFIG STATE_KEY_INGRESS_CONFIG
#define STORE_KEY_REISSUE_AUTHKEY STATE_KEY_REISSUE_AUTHKEY
#define STORE_KEY_AUTHKEY "authkey"

struct store_change {
	const char *key;
	const char *value; /* NULL = remove */
};

/* Result of a backend's write; err names the place, and the key if there was only one change;
 * retry_after_ms is the pause that the server asked for. */
typedef void (*store_written_fn)(void *arg, const struct err *err, uint64_t retry_after_ms);
/* Names of all keys, including the daemon's own. */
typedef void (*store_listed_fn)(void *arg, const struct strv *keys, const struct err *err);

/* The interface of a place. Callbacks are called exactly once, never from within the call. */
struct statestore_backend {
	const char *(*describe)(void *self); /* 'Secret "tailscale"', "/var/lib/tailscale" */
	void (*write)(void *self, const struct store_change *changes, size_t count,
		store_written_fn fn, void *arg);
	void (*list)(void *self, store_listed_fn fn, void *arg);
	void (*cancel)(void *self); /* the current request; its callback is not called */
	void (*free)(void *self);
	void *self;
};

struct statestore_times {
	uint32_t retry_base_ms; /* 250 */
	uint32_t retry_max_ms;  /* 30000 */
	uint32_t away_max_ms;   /* 5000: while the place is not reached, which costs it nothing */
};

/* backend_take NULL: a store that keeps nothing. */
struct statestore *statestore_new(struct loop *loop, struct condition_set *conditions,
	const struct statestore_backend *backend_take, const struct statestore_times *times);
void statestore_free(struct statestore *s);
bool statestore_is_kept(const struct statestore *s); /* false for the store that keeps nothing */
const char *statestore_describe(const struct statestore *s);

/* The value already stored, e.g. from the read at boot: avoids needless writes. */
void statestore_known(struct statestore *s, const char *key, const char *value);
/* The wanted value or, if none was set, the known one; NULL = absent. Borrowed until the next
 * call. */
const char *statestore_value(const struct statestore *s, const char *key);
/* Sets the wanted value; NULL = absent. Written in the next turn of the loop, so that keys set
 * together are written together. */
void statestore_set(struct statestore *s, const char *key, const char *value);
/* key is not written before the wanted value of prerequisite is stored. No cycles. */
void statestore_require(struct statestore *s, const char *key, const char *prerequisite);
/* The wanted value is stored. */
bool statestore_is_stored(const struct statestore *s, const char *key);
bool statestore_is_idle(const struct statestore *s); /* everything wanted is stored */
/* Everything wanted is stored or has been refused; refused keys are retried, and may never
 * succeed. */
bool statestore_is_tried(const struct statestore *s);
/* The place did not answer the last write. */
bool statestore_is_away(const struct statestore *s);
/* Called whenever a write has been answered, successful or not (start-up completion waits for
 * it). */
void statestore_on_answered(struct statestore *s, void (*fn)(void *arg), void *arg);

/* Tries the remaining keys at once, without back-off; fn is called when all are stored, when all
 * remaining ones have been refused again, or after timeout_ms, never from within the call. One at a
 * time. */
void statestore_flush(
	struct statestore *s, uint32_t timeout_ms, void (*fn)(void *arg, bool complete), void *arg);

/* Waits until the daemon's own state is complete, so that it may be stopped. Polls with growing
 * pauses, at most timeout_ms. on_wait is called once, when the first poll finds it incomplete.
 * Without a store, or when the place does not exist, complete at once. */
struct store_consistency_events {
	void (*on_wait)(void *arg, const char *place);
	void (*on_done)(void *arg, const struct err *err); /* NULL: consistent */
	void *arg;
};
void statestore_await_consistent(
	struct statestore *s, uint32_t timeout_ms, const struct store_consistency_events *events);
/* Cancels flush and await: their callbacks are not called. */
void statestore_cancel_waits(struct statestore *s);

#endif
