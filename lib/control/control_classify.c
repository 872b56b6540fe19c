#include <errno.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/control/control_internal.h"
#include "lib/control/control_message.h"

static int errno_of(enum control_outcome outcome)
{
	static const int codes[] = {
		[CONTROL_OK] = 0,
		[CONTROL_NOT_FOUND] = -ENOENT,
		[CONTROL_UNAUTHORIZED] = -EACCES,
		[CONTROL_FORBIDDEN] = -EACCES,
		[CONTROL_INVALID] = -EINVAL,
		[CONTROL_LIMITED] = -EAGAIN,
		[CONTROL_UNAVAILABLE] = -EAGAIN,
		[CONTROL_UNSUPPORTED] = -ENOTSUP,
	};
	return codes[outcome];
}

/* Deletions and the like are answered by JSON or by nothing; a list was read as it came. */
static bool is_understood(
	enum control_operation operation, const struct fetch_reply *reply, bool is_json)
{
	bool is_success = reply->status >= 200 && reply->status < 300;
	return is_json || (is_success && (reply->len == 0 || operation == CONTROL_DO_LIST_DEVICES));
}

/* Headscale before 0.30 has no tokens: no such page, or, as it wants an API key wherever it has
 * none, a refusal in plain text. RFC 6749 has errors of its own, in JSON. */
static enum control_outcome token_outcome(const struct control *c, const struct fetch_reply *reply,
	bool is_json, enum control_outcome outcome)
{
	bool is_absent =
		reply->status == 404 || reply->status == 405 || (reply->status == 401 && !is_json);
	if (c->kind == CONTROL_HEADSCALE && is_absent)
		return CONTROL_UNSUPPORTED;
	if (reply->status == 400 &&
		(control_message_has_error(reply->body, reply->len, "invalid_client") ||
			control_message_has_error(reply->body, reply->len, "invalid_grant")))
		return CONTROL_UNAUTHORIZED;
	return outcome;
}

/* "403: message", and where a redirect leads. */
static void describe(const struct fetch_reply *reply, const char *message, struct err *e)
{
	const char *location = fetch_header(reply, "Location");
	bool is_redirect = reply->status >= 300 && reply->status < 400;
	if (is_redirect && location != NULL)
		err_set(e, 0,
			"%d: a redirect to %.*s, which is not followed: set the address of the "
			"API itself",
			reply->status, (int)strcspn(location, "?#"), location);
	else if (message[0] != '\0')
		err_set(e, 0, "%d: %s", reply->status, message);
	else
		err_set(e, 0, "%d, without a message of the API", reply->status);
}

static void add_advice(const struct control *c, enum control_operation operation,
	enum control_outcome outcome, struct err *e)
{
	const char *advice = control_outcome_advice(operation, outcome);
	const char *scope = control_operation_scope(operation);
	struct err sentence = *e;
	if (operation == CONTROL_DO_TOKEN && outcome == CONTROL_UNSUPPORTED)
		advice = "this Headscale has no OAuth clients: use an API key";
	if (advice[0] == '\0')
		return;
	bool names_scope = outcome == CONTROL_FORBIDDEN && scope[0] != '\0' &&
			   c->driver->api != CONTROL_API_HEADSCALE_V1;
	if (names_scope)
		err_set(e, 0, "%.500s (%s; scope \"%s\")", sentence.msg, advice, scope);
	else
		err_set(e, 0, "%.500s (%s)", sentence.msg, advice);
}

void control_classify(struct control *c, enum control_operation operation,
	const struct fetch_reply *reply, const struct err *failure, struct control_result *result,
	struct err *e)
{
	char message[CONTROL_MESSAGE_MAX];
	bool is_json = false;
	uint64_t now = clock_now_ms();
	*result = (struct control_result){.outcome = CONTROL_UNAVAILABLE};
	if (failure != NULL) {
		*e = *failure;
		err_wrap(e, "tailnet \"%s\": %s", c->name, control_operation_text(operation));
		control_hide_secrets(c, e->msg);
		return;
	}
	control_message_read(reply->body, reply->len, message, &is_json);
	result->status = reply->status;
	result->outcome = control_outcome_of(operation, reply->status,
		is_understood(operation, reply, is_json), reply->retry_after_ms > 0);
	if (operation == CONTROL_DO_TOKEN)
		result->outcome = token_outcome(c, reply, is_json, result->outcome);
	if (result->outcome == CONTROL_LIMITED)
		result->retry_after_ms =
			control_limiter_refused(&c->limiter, now, reply->retry_after_ms);
	else
		control_limiter_answered(&c->limiter);
	err_clear(e);
	if (result->outcome == CONTROL_OK)
		return;
	describe(reply, message, e);
	add_advice(c, operation, result->outcome, e);
	e->code = errno_of(result->outcome);
	err_wrap(e, "tailnet \"%s\": %s", c->name, control_operation_text(operation));
	control_hide_secrets(c, e->msg);
}
