/*
 * Who leads: the Lease record, and the decisions of one candidate, pure. The candidate reads the
 * record every KUBE_LEASE_RETRY_MS, passes on what it has seen, and does the step that follows.
 *
 * Clocks of different machines are never compared: a record is free when it has not changed for its
 * duration by the candidate's own clock, which has to go on while the process is stopped. A leader
 * writes nothing when its last renewal was sent too long ago, since another may lead by then.
 *
 *	kube_election_see(&me, lease, now);
 *	step = kube_election_step(&me, now);
 *	kube_election_fill(&me, step, clock_wall(), &next), PUT or POST kube_lease_document(&next)
 *	on success: kube_election_lead(&me, answer, sent);
 *	before each write: if (!kube_election_may_write(&me, now)) …
 */
#ifndef LIB_KUBE_KUBE_LEASE_H
#define LIB_KUBE_KUBE_LEASE_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "lib/kube/kube_path.h"
#include "lib/kube/kube_time.h"

#define KUBE_LEASE_DURATION_S 15
#define KUBE_LEASE_RENEW_MS 10000 /* after this without renewal it no longer leads */
#define KUBE_LEASE_RETRY_MS 2000
#define KUBE_LEASE_HOLDER_MAX 256
#define KUBE_LEASE_VERSION_MAX 64

struct json;

extern const struct kube_resource kube_leases;

struct kube_lease {
	char holder[KUBE_LEASE_HOLDER_MAX]; /* "" = nobody */
	char acquired[KUBE_TIME_MAX];
	char renewed[KUBE_TIME_MAX];
	int64_t duration_s;
	int64_t transitions;
	char version[KUBE_LEASE_VERSION_MAX]; /* "" = the record does not exist */
};

struct kube_election {
	char self[KUBE_LEASE_HOLDER_MAX];
	struct kube_lease seen;
	uint64_t changed_ms; /* when another record was seen than before */
	uint64_t renewed_ms; /* when the last renewal that succeeded was sent */
	bool has_seen;
	bool leads;
};

enum kube_election_step {
	KUBE_ELECTION_WAIT,
	KUBE_ELECTION_CREATE,  /* there is no record */
	KUBE_ELECTION_ACQUIRE, /* it is free */
	KUBE_ELECTION_RENEW,   /* it is ours */
	KUBE_ELECTION_RELEASE, /* never by itself: the one who leads wants to end */
};

/* -EINVAL for a record whose fields are of other types; missing ones are empty. */
int kube_lease_decode(const struct json *object, struct kube_lease *out, struct err *e) MUST_CHECK;
/* Owned by the caller. With the version, if there is one: the write must not undo another's. */
struct json *kube_lease_document(const struct kube_lease *lease, const char *ns, const char *name);

/* The record as it is now; NULL = it does not exist. */
void kube_election_see(struct kube_election *e, const struct kube_lease *lease, uint64_t now_ms);
enum kube_election_step kube_election_step(const struct kube_election *e, uint64_t now_ms);
/* What the step writes; not for KUBE_ELECTION_WAIT. */
void kube_election_fill(const struct kube_election *e, enum kube_election_step step, time_t wall,
	struct kube_lease *out);
/* It has been written: the record as the server answered, and when the request was sent. */
void kube_election_lead(struct kube_election *e, const struct kube_lease *answer, uint64_t sent_ms);
/* Leads, and nobody else can yet. */
bool kube_election_may_write(const struct kube_election *e, uint64_t now_ms);

#endif
