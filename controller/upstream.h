/*
 * Is the operator's kind ProxyGroup (tailscale.com) installed in the cluster? A group that is not
 * ours may be one of its then. Asked at the start and once a minute, by discovery, which every
 * account may read.
 */
#ifndef CONTROLLER_UPSTREAM_H
#define CONTROLLER_UPSTREAM_H

#include <stdbool.h>
#include <stdint.h>

#define UPSTREAM_PERIOD_MS 60000

struct kube;
struct loop;
struct upstream;

/* on_change: also after the first answer. divisor: of the period. */
struct upstream *upstream_new(struct loop *loop, struct kube *k, uint64_t divisor,
	void (*on_change)(void *arg, bool is_there), void *arg);
void upstream_free(struct upstream *u); /* NULL is accepted */
/* True before the first answer: nothing is written that might be wrong. */
bool upstream_is_there(const struct upstream *u);

#endif
