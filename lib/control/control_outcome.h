/*
 * What an answer means: a table of operation and status. Pure.
 */
#ifndef LIB_CONTROL_CONTROL_OUTCOME_H
#define LIB_CONTROL_CONTROL_OUTCOME_H

#include <stdbool.h>

#include "lib/control/control.h"

enum control_operation {
	CONTROL_DO_VERSION,
	CONTROL_DO_TOKEN,
	CONTROL_DO_PROBE, /* a call whose only purpose is that the credential is looked at */
	CONTROL_DO_CREATE_KEY,
	CONTROL_DO_DELETE_KEY,
	CONTROL_DO_LIST_DEVICES,
	CONTROL_DO_DELETE_DEVICE,
	CONTROL_OPERATIONS
};

/* As in metrics: "create_key". */
const char *control_operation_name(enum control_operation operation);
/* In a sentence: "create a key". */
const char *control_operation_text(enum control_operation operation);
/* The scope that it needs with OAuth; "" = none. */
const char *control_operation_scope(enum control_operation operation);
/* Whether it may be repeated when nobody knows whether it took effect. */
bool control_operation_is_repeatable(enum control_operation operation);

/* Of a status; has_retry_after: the server asks for a pause. is_understood: the body is what an
 * API would send (JSON, or nothing where nothing is expected). */
enum control_outcome control_outcome_of(
	enum control_operation operation, int status, bool is_understood, bool has_retry_after);
/* What to do about it; "" = nothing to say. */
const char *control_outcome_advice(enum control_operation operation, enum control_outcome outcome);

#endif
