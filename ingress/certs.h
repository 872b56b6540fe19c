/*
 * Certificates for the domains of Services, kept fresh by the replica that may write them: one
 * schedule per wanted domain, all triggered by the program's one bus subscription. The daemon
 * stores the certificates.
 */
#ifndef INGRESS_CERTS_H
#define INGRESS_CERTS_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/base/str.h"

struct certs;
struct condition_set;
struct localapi;
struct loop;

struct certs *certs_new(struct loop *loop, struct localapi *api, struct condition_set *conditions);
void certs_free(struct certs *c);
/* Replaces the wanted domains; schedules of removed ones end. */
void certs_want(struct certs *c, const struct strv *domains);
/* Our own node changed: domains that the daemon did not list yet are looked up again. */
void certs_wake(struct certs *c);
/* The daemon is gone / is back. */
void certs_pause(struct certs *c);
void certs_resume(struct certs *c);

/* Pure: when to retry. */
enum certs_outcome {
	CERTS_ISSUED,
	CERTS_NOT_REACHED,  /* time-out, refused, reset, unreachable: the CA never saw it */
	CERTS_RATE_LIMITED, /* 429 with Retry-After */
	CERTS_FAILED,
};
#define CERTS_PAUSE_MAX_MS (24u * 60 * 60 * 1000)
/* Milliseconds until the next attempt, without jitter; *failures is updated. */
uint64_t certs_next_try_ms(enum certs_outcome outcome, uint64_t retry_after_ms, uint32_t *failures);

#endif
