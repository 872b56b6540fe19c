/*
 * Where the node's published fields live: a Kubernetes Secret, a folder, or nowhere, behind one
 * interface.
 *
 * The store is told what each key should hold (statestore_set); it finds out by itself when to
 * write. One request is in flight at a time, the latest value wins, a key waits until its
 * prerequisites are stored, what is already there is not written again, and a failed write is kept
 * and tried again with back-off for as long as the store lives: all of it while the place is away,
 * a key alone when the place refuses its value. A failure is the condition StoreWriteFailed; nobody
 * else has to care.
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

struct condition_set;
struct loop;
struct statestore;

/* Keys, as operators of the reference read them. */
#define STORE_KEY_CAPVER "tailscale_capver"
#define STORE_KEY_POD_UID "pod_uid"
#define STORE_KEY_DEVICE_ID "device_id"
#define STORE_KEY_DEVICE_FQDN "device_fqdn"
#define STORE_KEY_DEVICE_IPS "device_ips"
#define STORE_KEY_HTTPS_ENDPOINT "https_endpoint"
#define STORE_KEY_EGRESS_SERVICES "egress-services"
#define STORE_KEY_INGRESS_CONFIG "ingress-config.json"
#define STORE_KEY_REISSUE_AUTHKEY "reissue_authkey"
#define STORE_KEY_AUTHKEY "authkey"

struct store_change {
	const char *key;
	const char *value; /* NULL = remove */
};

/* Result of a backend's write; err names the place, and the key when there was one change only;
 * retry_after_ms is what the server asked for. */
typedef void (*store_written_fn)(void *arg, const struct err *err, uint64_t retry_after_ms);
/* Names of all keys, also the daemon's own. */
typedef void (*store_listed_fn)(void *arg, const struct strv *keys, const struct err *err);

/* What a place must be able to do. Callbacks come exactly once, never from within the call. */
struct statestore_backend {
	const char *(*describe)(void *self); /* 'Secret "tailscale"', "/var/lib/tailscale" */
	void (*write)(void *self, const struct store_change *changes, size_t count,
		store_written_fn fn, void *arg);
	void (*list)(void *self, store_listed_fn fn, void *arg);
	void (*cancel)(void *self); /* what is under way; its callback does not come */
	void (*free)(void *self);
	void *self;
};

struct statestore_times {
	uint32_t retry_base_ms; /* 250 */
	uint32_t retry_max_ms;  /* 30000 */
};

/* backend_take NULL: a store that keeps nothing. */
struct statestore *statestore_new(struct loop *loop, struct condition_set *conditions,
	const struct statestore_backend *backend_take, const struct statestore_times *times);
void statestore_free(struct statestore *s);
bool statestore_is_kept(const struct statestore *s); /* false for the store that keeps nothing */
const char *statestore_describe(const struct statestore *s);

/* What is known to be there already, e.g. from the read at boot: suppresses needless writes. */
void statestore_known(struct statestore *s, const char *key, const char *value);
/* What should be there or, as long as nobody told, is known to be there; NULL = nothing. Borrowed
 * until the next call. */
const char *statestore_value(const struct statestore *s, const char *key);
/* What should be there; value NULL = absent. Written soon (in the next turn, so that keys set
 * together go out together). */
void statestore_set(struct statestore *s, const char *key, const char *value);
/* key is not written before prerequisite holds its wanted value. No circles. */
void statestore_require(struct statestore *s, const char *key, const char *prerequisite);
/* The wanted value is stored. */
bool statestore_is_stored(const struct statestore *s, const char *key);
bool statestore_is_idle(const struct statestore *s); /* everything wanted is stored */
/* Everything wanted is stored or was refused: it is tried again, and may never work. */
bool statestore_is_tried(const struct statestore *s);
/* The place did not answer the last write. */
bool statestore_is_away(const struct statestore *s);
/* Called whenever a write was answered, well or not (start-up completion waits for it). */
void statestore_on_answered(struct statestore *s, void (*fn)(void *arg), void *arg);

/* Tries what is left at once, without back-off; fn comes when all is stored, when all that is left
 * was refused again, or after timeout_ms, never from within the call. One at a time. */
void statestore_flush(
	struct statestore *s, uint32_t timeout_ms, void (*fn)(void *arg, bool complete), void *arg);

/* Is the daemon's own state complete, so that it may be stopped? Asks again with growing pauses
 * until it is, at most timeout_ms. on_wait is told once, when the first look finds it incomplete.
 * Without a store, or when the place does not exist, complete at once. */
struct store_consistency_events {
	void (*on_wait)(void *arg, const char *place);
	void (*on_done)(void *arg, const struct err *err); /* NULL: consistent */
	void *arg;
};
void statestore_await_consistent(
	struct statestore *s, uint32_t timeout_ms, const struct store_consistency_events *events);
/* Flush and await: their callbacks do not come. */
void statestore_cancel_waits(struct statestore *s);

#endif
