#include "lib/control/control_outcome.h"

#include "lib/base/mem.h"

struct operation_row {
	const char *name;
	const char *text;
	const char *scope;
	bool is_repeatable;
	bool is_deletion;
};

static const struct operation_row operations[CONTROL_OPERATIONS] = {
	[CONTROL_DO_VERSION] = {"version", "ask for the version", "", true, false},
	[CONTROL_DO_TOKEN] = {"token", "fetch a token", "", true, false},
	[CONTROL_DO_PROBE] = {"probe", "check the credential", "", true, false},
	[CONTROL_DO_CREATE_KEY] = {"create_key", "create a key", "auth_keys", false, false},
	[CONTROL_DO_DELETE_KEY] = {"delete_key", "delete a key", "auth_keys", true, true},
	[CONTROL_DO_LIST_DEVICES] = {"list_devices", "list devices", "devices:core", true, false},
	[CONTROL_DO_DELETE_DEVICE] = {"delete_device", "delete a device", "devices:core", true,
		true},
};

/* The first row that fits decides. */
struct status_row {
	int from, to;
	enum control_outcome outcome;
};

static const struct status_row statuses[] = {
	{200, 299, CONTROL_OK},
	{300, 399, CONTROL_INVALID}, /* redirects are not followed: the URL is to be corrected */
	{401, 401, CONTROL_UNAUTHORIZED},
	{403, 403, CONTROL_FORBIDDEN},
	{404, 404, CONTROL_NOT_FOUND},
	{405, 405, CONTROL_UNSUPPORTED},
	{408, 409, CONTROL_UNAVAILABLE}, /* a conflict: again, with what is there then */
	{410, 410, CONTROL_NOT_FOUND},
	{412, 412, CONTROL_UNAVAILABLE},
	{425, 425, CONTROL_UNAVAILABLE},
	{429, 429, CONTROL_LIMITED},
	{400, 499, CONTROL_INVALID},
	{501, 501, CONTROL_UNSUPPORTED},
};

static const char *const outcome_names[] = {
	[CONTROL_OK] = "OK",
	[CONTROL_NOT_FOUND] = "NotFound",
	[CONTROL_UNAUTHORIZED] = "Unauthorized",
	[CONTROL_FORBIDDEN] = "Forbidden",
	[CONTROL_INVALID] = "Invalid",
	[CONTROL_LIMITED] = "Limited",
	[CONTROL_UNAVAILABLE] = "Unavailable",
	[CONTROL_UNSUPPORTED] = "Unsupported",
};

static const char *const api_names[] = {
	[CONTROL_API_UNKNOWN] = "",
	[CONTROL_API_TAILSCALE_V2] = "tailscale-v2",
	[CONTROL_API_HEADSCALE_V2] = "headscale-v2",
	[CONTROL_API_HEADSCALE_V1] = "headscale-v1",
};

const char *control_outcome_name(enum control_outcome outcome)
{
	return outcome_names[outcome];
}

const char *control_api_name(enum control_api api)
{
	return api_names[api];
}

const char *control_operation_name(enum control_operation operation)
{
	return operations[operation].name;
}

const char *control_operation_text(enum control_operation operation)
{
	return operations[operation].text;
}

const char *control_operation_scope(enum control_operation operation)
{
	return operations[operation].scope;
}

bool control_operation_is_repeatable(enum control_operation operation)
{
	return operations[operation].is_repeatable;
}

enum control_outcome control_outcome_of(
	enum control_operation operation, int status, bool is_understood, bool has_retry_after)
{
	enum control_outcome outcome = CONTROL_UNAVAILABLE;
	for (size_t i = 0; i < ARRAY_LEN(statuses); i++) {
		if (status < statuses[i].from || status > statuses[i].to)
			continue;
		outcome = statuses[i].outcome;
		break;
	}
	if (status == 503 && has_retry_after)
		return CONTROL_LIMITED;
	/* A page of something in between says nothing about the object. */
	if ((outcome == CONTROL_OK || outcome == CONTROL_NOT_FOUND) && !is_understood)
		return CONTROL_UNAVAILABLE;
	if (outcome == CONTROL_NOT_FOUND && operations[operation].is_deletion)
		return CONTROL_OK;
	return outcome;
}

const char *control_outcome_advice(enum control_operation operation, enum control_outcome outcome)
{
	switch (outcome) {
	case CONTROL_UNAUTHORIZED:
		return "the credential is not accepted: renew it in its Secret";
	case CONTROL_FORBIDDEN:
		return "the credential must not do that: give it the scope and the tags it needs";
	case CONTROL_NOT_FOUND:
		return "check the name of the tailnet and the address of the API";
	case CONTROL_UNSUPPORTED:
		return operation == CONTROL_DO_DELETE_DEVICE
			       ? "this device cannot be deleted by the API"
			       : "this control plane cannot do it";
	case CONTROL_OK:
	case CONTROL_INVALID:
	case CONTROL_LIMITED:
	case CONTROL_UNAVAILABLE:
		break;
	}
	return "";
}
