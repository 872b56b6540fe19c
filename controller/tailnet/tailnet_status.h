/*
 * The status of a TailscaleTailnet. Pure. (private)
 */
#ifndef CONTROLLER_TAILNET_TAILNET_STATUS_H
#define CONTROLLER_TAILNET_TAILNET_STATUS_H

#include <stdbool.h>

#include "controller/tailnet/tailnet_table.h"
#include "controller/tailnet/tailnet_view.h"

struct json;

/* Valid when zeroed. */
struct tailnet_verdict {
	enum tailnet_situation situation;
	char *sentence; /* for people; says what to do where something is to be done */
	/* Events: only when it was not so before. */
	bool begins_authenticated;
	bool begins_refused;
};

void tailnet_decide(const struct tailnet_view *view, struct tailnet_verdict *out);
void tailnet_verdict_fini(struct tailnet_verdict *verdict);

/* The whole status; what is not known any more stays. Caller owns it. */
struct json *tailnet_status(const struct tailnet_view *view, const struct tailnet_verdict *verdict);

#endif
