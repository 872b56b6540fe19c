/*
 * Numbers of the ports at which the replicas of one egress group listen: EGRESS_PORTS_COUNT of
 * them. Pure.
 */
#ifndef CONTROLLER_CLUSTER_EGRESS_PORTS_H
#define CONTROLLER_CLUSTER_EGRESS_PORTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EGRESS_PORTS_FIRST 10000
#define EGRESS_PORTS_COUNT 1000

/* Valid when zeroed. */
struct egress_ports {
	bool is_used[EGRESS_PORTS_COUNT];
	size_t used;
};

bool egress_ports_has(int64_t number); /* is one of them */
/* False when it is none of them, or is used. */
bool egress_ports_claim(struct egress_ports *ports, int64_t number);
void egress_ports_release(struct egress_ports *ports, int64_t number);
/* A free one, now used: for the same port the same one, as long as it is free. 0 when there is
 * none. service: "namespace/name". */
uint16_t egress_ports_find(
	struct egress_ports *ports, const char *service, int64_t port, const char *protocol);

#endif
