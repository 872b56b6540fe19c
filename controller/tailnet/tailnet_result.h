/*
 * What a sync with the control plane of a tailnet has found: plain data. (private)
 */
#ifndef CONTROLLER_TAILNET_TAILNET_RESULT_H
#define CONTROLLER_TAILNET_TAILNET_RESULT_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/control/control.h"

#define TAILNET_DOMAIN_MAX 256
#define TAILNET_SCOPE_MAX 32

enum tailnet_operation {
	TAILNET_PROBE,
	TAILNET_LIST_DEVICES,
	TAILNET_CREATE_KEY,
};

/* Valid when zeroed. */
struct tailnet_result {
	enum control_outcome outcome;
	enum tailnet_operation operation; /* the last one */
	struct err err;                   /* of an outcome that is not CONTROL_OK */
	uint64_t retry_after_ms;          /* of CONTROL_LIMITED */
	char scope[TAILNET_SCOPE_MAX];    /* what a CONTROL_FORBIDDEN lacks, "" when unknown */
	struct control_capabilities capabilities;
	char domain[TAILNET_DOMAIN_MAX]; /* of most devices, "" when none has one */
	bool with_key;                   /* a key was created and deleted */
	bool is_void;                    /* the credentials have changed meanwhile */
};

#endif
