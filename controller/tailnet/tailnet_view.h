/*
 * All that decides about one TailscaleTailnet, gathered: borrowed plain data. (private)
 */
#ifndef CONTROLLER_TAILNET_TAILNET_VIEW_H
#define CONTROLLER_TAILNET_TAILNET_VIEW_H

#include <stdbool.h>
#include <stdint.h>

#include "controller/planes/planes.h"
#include "controller/tailnet/tailnet_result.h"
#include "controller/tailnet/tailnet_table.h"
#include "lib/base/str.h"

struct object_tailnet;

/* What is remembered of a tailnet between two plans; all of it can be lost. */
struct tailnet_memory {
	bool has_result;
	struct tailnet_result result;
	/* What the result belongs to. */
	uint64_t planes_generation;
	int64_t object_generation;
	uint64_t next_ms;    /* when the next sync is due */
	uint32_t failures;   /* syncs without an answer, one after the other */
	uint32_t syncs;      /* successful ones since the credentials or the object changed */
	bool has_success;    /* success_ms is set */
	int64_t success_ms;  /* of the last success; before the start when an earlier run had it */
	char synced[40];     /* the same as text, "" when this run had none */
	bool is_first;       /* the success was the first of this run */
	bool is_deleting;    /* deleting_ms is set */
	int64_t deleting_ms; /* since when it is being deleted */
	bool has_listed_users; /* the Event that lists them */
	const char *said;      /* reason of Ready that the log has, NULL = none; static */
	uint64_t announced;    /* planes_generation of the success that queued the groups */
};

struct tailnet_view {
	const char *name;
	const struct object_tailnet *object; /* NULL: there is none */
	const char *uid, *version;
	const char *secret_ns; /* where its Secret is */
	struct strv users;     /* names of the groups that use it */
	const struct planes_state *credentials;
	const struct tailnet_result *result; /* of these credentials and this object; NULL = none */
	bool is_due;                         /* a sync */
	bool with_key;
	int64_t interval_ms;
	uint64_t next_in_ms;     /* until the next sync */
	int64_t success_age_ms;  /* INT64_MAX without a success */
	int64_t deleting_for_ms; /* of one that is being deleted */
	bool has_listed_users;
	bool queues_groups;       /* a success with new credentials that groups wait for */
	const char *synced;       /* time of the success for the status, "" = what is there stays */
	const char *proxy_domain; /* from a proxy of the tailnet, "" when none is known */
	const struct tailnet_periods *periods;
	char now[40];
	char domain_place[TAILNET_DOMAIN_MAX];
};

struct cluster;

/* Also notes in the memory what is seen for the first time. */
void tailnet_view_gather(struct tailnet_view *out, const struct cluster *cluster,
	struct planes *planes, const char *name, struct tailnet_memory *memory,
	const struct tailnet_periods *periods);
void tailnet_view_fini(struct tailnet_view *view);
int64_t tailnet_interval_ms(
	const struct object_tailnet *object, const struct tailnet_periods *periods);

#endif
