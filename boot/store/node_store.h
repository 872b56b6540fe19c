/*
 * The place of the node's published fields: chosen by the settings, prepared before the daemon
 * starts, owned from then on. Fields of an earlier run are reset, because an operator would count
 * them as ours; an auth key found in the Secret is handed out.
 *
 *	node_store_init(&store, &partners, &events);
 *	node_store_set_up(&store, &config_authkey);
 *	node_store_set_capver(&store, version);
 *	... on_ready: store.store is set
 */
#ifndef BOOT_STORE_NODE_STORE_H
#define BOOT_STORE_NODE_STORE_H

#include <stdbool.h>
#include <stddef.h>

struct condition_set;
struct fetcher;
struct kube;
struct loop;
struct resolver;
struct secret;
struct settings;
struct statestore;
struct store_kube_setup;
struct times;

/* All borrowed. */
struct node_store_partners {
	struct loop *loop;
	struct fetcher *fetcher;
	struct resolver *resolver;
	struct condition_set *conditions;
	const struct settings *settings;
	const struct times *times;
};

struct node_store_events {
	/* Prepared, and the reset is stored: the daemon may start. Once. */
	void (*on_ready)(void *arg);
	/* The set-up ends without a usable store. */
	void (*on_failed)(void *arg, const char *sentence);
	/* Found in the Secret; before on_ready. */
	void (*on_authkey)(void *arg, const char *value, size_t len);
	/* A write was answered: node_store_is_published may be true now. */
	void (*on_answered)(void *arg);
	void *arg;
};

#define NODE_STORE_CAPVER_MAX 12

struct node_store {
	struct node_store_partners partners;
	struct node_store_events events;
	const struct secret *config_authkey_ref;
	struct store_kube_setup *setup;     /* under way */
	struct kube *kube;                  /* NULL without a Secret name */
	struct statestore *store;           /* NULL until the place is known */
	char capver[NODE_STORE_CAPVER_MAX]; /* decimal; "" while it is not known */
	bool is_begun;
	bool is_ready;
	bool is_secret;   /* the Secret may be written */
	bool is_new;      /* the Secret did not exist at boot: the daemon creates it */
	bool has_authkey; /* the key is still in the Secret */
};

void node_store_init(struct node_store *s, const struct node_store_partners *partners,
	const struct node_store_events *events);
void node_store_fini(struct node_store *s); /* zeroed is accepted */

/* config_authkey is the key of the configuration file, unset without one; borrowed until on_ready.
 */
void node_store_set_up(struct node_store *s, const struct secret *config_authkey);
/* The capability version of the daemon, at any time: nothing is written before it is known. */
void node_store_set_capver(struct node_store *s, int version);
void node_store_cancel_set_up(struct node_store *s);
/* The reason why the set-up is not done yet, "" when there is none. */
const char *node_store_pending_reason(const struct node_store *s);
/* The values of an earlier run are being reset. */
bool node_store_is_resetting(const struct node_store *s);

/* All wanted values are in the Secret, or were refused there and are not part of the node's
 * identity. For a folder it is enough that they were tried: the node runs without published
 * files. */
bool node_store_is_published(const struct node_store *s);
/* The start is complete: a server may request longer pauses. */
void node_store_start_complete(struct node_store *s);
/* Marks a Secret that did not exist at boot as ours; once, when there is something to publish. */
void node_store_mark(struct node_store *s);
/* A key was put into the Secret after the set-up. */
void node_store_found_authkey(struct node_store *s);
/* The key in the Secret was used. Nothing when there is none. */
void node_store_delete_authkey(struct node_store *s);
/* The store for fields of a serve configuration; NULL: none. */
struct statestore *node_store_for_serve(const struct node_store *s);

#endif
