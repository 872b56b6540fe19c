/*
 * Certificates for the domains of Services, kept fresh by the replica that may write them: one
 * schedule for each wanted domain, all woken by the one bus subscription of the program. The daemon
 * stores what it gets.
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
/* Replaces the wanted domains; schedules of vanished ones end. */
void certs_want(struct certs *c, const struct strv *domains);
/* The own node changed: domains still waiting to be listed by the daemon are looked up again. */
void certs_wake(struct certs *c);
/* The daemon is gone / is back. */
void certs_pause(struct certs *c);
void certs_resume(struct certs *c);

/* Pure: when to try again. */
enum certs_outcome {
	CERTS_ISSUED,
	CERTS_NOT_REACHED,  /* time-out, refused, reset, unreachable: the CA never saw it */
	CERTS_RATE_LIMITED, /* 429 with Retry-After */
	CERTS_FAILED,
};
#define CERTS_PAUSE_MAX_MS (24u * 60 * 60 * 1000)
/* Milliseconds until the next try, before their jitter; *failures is updated. */
uint64_t certs_next_try_ms(enum certs_outcome outcome, uint64_t retry_after_ms, uint32_t *failures);

#endif
