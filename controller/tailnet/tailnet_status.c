#include "controller/tailnet/tailnet_status.h"

#include <stdlib.h>
#include <string.h>

#include "controller/cluster/objects.h"
#include "controller/engine/engine_plan.h"
#include "controller/tailnet/tailnet_domain.h"
#include "lib/base/json.h"
#include "lib/base/mem.h"

static const struct json *live_conditions(const struct tailnet_view *view)
{
	return json_get(view->object->status, "conditions");
}

static const struct json *live_condition(const struct tailnet_view *view, const char *type)
{
	for (const struct json *c = json_first(live_conditions(view)); c != NULL;
		c = json_next(c)) {
		const char *is = json_str(json_get(c, "type"));
		if (is != NULL && strcmp(is, type) == 0)
			return c;
	}
	return NULL;
}

static bool is_so(const struct json *condition, const char *key, const char *text)
{
	const char *is = json_str(json_get(condition, key));
	return is != NULL && strcmp(is, text) == 0;
}

static enum tailnet_situation situation_of(const struct tailnet_view *view)
{
	bool is_new = json_len(live_conditions(view)) == 0;
	switch (view->credentials->credentials) {
	case PLANES_PENDING:
		return is_new ? TAILNET_NEW : TAILNET_UNCHANGED;
	case PLANES_ABSENT:
		return TAILNET_SECRET_ABSENT;
	case PLANES_REFUSED:
		return TAILNET_SECRET_REFUSED;
	case PLANES_FAULTY:
		return TAILNET_FAULTY;
	case PLANES_PRESENT:
		break;
	}
	if (view->result == NULL)
		return is_new ? TAILNET_NEW : TAILNET_UNCHANGED;
	return tailnet_situation_of(view->result,
		is_so(live_condition(view, "Ready"), "status", "True"), view->success_age_ms,
		view->interval_ms);
}

static char *sentence_of_result(const struct tailnet_view *view)
{
	const struct tailnet_result *result = view->result;
	const char *text = result->err.msg;
	switch (result->outcome) {
	case CONTROL_UNAUTHORIZED:
		return xasprintf("the credentials in Secret %s/%s are not accepted: %s",
			view->secret_ns, view->object->secret_name, text);
	case CONTROL_FORBIDDEN:
		if (result->scope[0] != '\0')
			return xasprintf(
				"the credentials lack the scope %s: %s", result->scope, text);
		return xasprintf("the credentials lack a permission: %s", text);
	case CONTROL_NOT_FOUND:
		return xasprintf("spec.tailnet \"%s\" is not a tailnet of these credentials: %s",
			view->object->tailnet, text);
	case CONTROL_INVALID:
		if (result->operation == TAILNET_CREATE_KEY)
			return xasprintf("a key with spec.tags was refused, each tag has to be in "
					 "the policy and owned by the credentials: %s",
				text);
		return xstrdup(text);
	case CONTROL_OK:
	case CONTROL_LIMITED:
	case CONTROL_UNAVAILABLE:
	case CONTROL_UNSUPPORTED:
		break;
	}
	return xstrdup(text);
}

static char *sentence_of(const struct tailnet_view *view, enum tailnet_situation situation)
{
	switch (situation) {
	case TAILNET_NEW:
	case TAILNET_UNCHANGED:
		return xstrdup("the control plane has not been asked yet");
	case TAILNET_SECRET_ABSENT:
	case TAILNET_SECRET_REFUSED:
	case TAILNET_FAULTY:
		return xstrdup(view->credentials->sentence);
	case TAILNET_FINE:
		return xstrdup("the tailnet can be used");
	case TAILNET_UNAUTHORIZED:
	case TAILNET_FORBIDDEN:
	case TAILNET_REFUSED:
	case TAILNET_UNSUPPORTED:
	case TAILNET_UNAVAILABLE:
	case TAILNET_SITUATIONS:
		break;
	}
	return sentence_of_result(view);
}

void tailnet_decide(const struct tailnet_view *view, struct tailnet_verdict *out)
{
	const struct json *live = live_condition(view, "Authenticated");
	out->situation = situation_of(view);
	out->sentence = sentence_of(view, out->situation);
	const struct tailnet_cell *is = &tailnet_row(out->situation)->authenticated;
	out->begins_authenticated = is->status != NULL && strcmp(is->status, "True") == 0 &&
				    !is_so(live, "status", "True");
	out->begins_refused = is->status != NULL &&
			      strcmp(is->reason, "AuthenticationFailed") == 0 &&
			      !is_so(live, "reason", "AuthenticationFailed");
}

void tailnet_verdict_fini(struct tailnet_verdict *verdict)
{
	free(verdict->sentence);
	verdict->sentence = NULL;
}

/* What a sync cannot prove is said where it would be looked for. */
static const char *validated_sentence(const struct tailnet_view *view)
{
	switch (view->result->capabilities.api) {
	case CONTROL_API_HEADSCALE_V1:
		return "devices can be listed and keys created; this server checks only the syntax "
		       "of tags, so that who owns them is seen at the first device";
	case CONTROL_API_HEADSCALE_V2:
		return "devices can be listed and keys created; API v2 of Headscale has been tested "
		       "on a simulated server only";
	case CONTROL_API_UNKNOWN:
	case CONTROL_API_TAILSCALE_V2:
		break;
	}
	return "devices can be listed and keys created";
}

static void push(const struct tailnet_view *view, const char *type, const struct tailnet_cell *cell,
	const char *message, struct json *out)
{
	const struct json *live = live_condition(view, type);
	if (cell->status == NULL && live != NULL) {
		json_push(out, json_dup(live));
		return;
	}
	const struct engine_condition condition = {
		.type = type,
		.status = cell->status != NULL ? cell->status : "Unknown",
		.reason = cell->status != NULL ? cell->reason : "Pending",
		.message = message,
		.observed_generation = view->object->meta.generation,
	};
	engine_condition_push(out, &condition, live_conditions(view), view->now);
}

static struct json *conditions(
	const struct tailnet_view *view, const struct tailnet_verdict *verdict)
{
	static const char unasked[] = "the control plane has not been asked yet";
	const struct tailnet_row *row = tailnet_row(verdict->situation);
	bool is_fine = verdict->situation == TAILNET_FINE;
	bool is_accepted =
		row->authenticated.status != NULL && strcmp(row->authenticated.status, "True") == 0;
	bool is_validated =
		row->validated.status != NULL && strcmp(row->validated.status, "Unknown") != 0;
	struct json *out = json_new_array();
	push(view, "Authenticated", &row->authenticated,
		is_accepted                         ? "the credentials are accepted"
		: row->authenticated.status == NULL ? unasked
						    : verdict->sentence,
		out);
	push(view, "Validated", &row->validated,
		is_fine        ? validated_sentence(view)
		: is_validated ? verdict->sentence
			       : unasked,
		out);
	push(view, "Ready", &row->ready, verdict->sentence, out);
	return out;
}

static const char *live_text(const struct tailnet_view *view, const char *object, const char *key)
{
	const char *text = json_str(json_path(view->object->status, object, key, NULL));
	return text != NULL ? text : "";
}

/* From its devices; where names have no domain (Headscale) by what the user says. What was known
 * stays when the devices are gone. */
static const char *domain_of(const struct tailnet_view *view)
{
	if (view->result != NULL && view->result->domain[0] != '\0')
		return view->result->domain;
	if (view->object->domain[0] != '\0')
		return view->object->domain;
	const char *known = live_text(view, "tailnetInfo", "magicDNSSuffix");
	return known[0] != '\0' ? known : view->proxy_domain;
}

static struct json *capabilities(const struct control_capabilities *is)
{
	struct json *out = json_new_object();
	json_set_str(out, "api", control_api_name(is->api));
	json_set_str(out, "serverVersion", is->server_version);
	json_set(out, "vipServices", json_new_bool(is->vip_services));
	json_set(out, "certificates", json_new_bool(is->certificates));
	return out;
}

static struct json *info(const char *domain)
{
	struct json *out = json_new_object();
	json_set_str(out, "name", domain);
	json_set_str(out, "magicDNSSuffix", domain);
	json_set_str(out, "organization", tailnet_organization(domain));
	return out;
}

struct json *tailnet_status(const struct tailnet_view *view, const struct tailnet_verdict *verdict)
{
	struct json *out = json_new_object();
	const char *domain = domain_of(view);
	bool is_observed = verdict->situation != TAILNET_NEW &&
			   (view->result != NULL || verdict->situation != TAILNET_UNCHANGED);
	if (is_observed)
		json_set(out, "observedGeneration", json_new_i64(view->object->meta.generation));
	if (view->synced[0] != '\0')
		json_set_str(out, "lastSyncTime", view->synced);
	if (domain[0] != '\0')
		json_set(out, "tailnetInfo", info(domain));
	if (view->result != NULL && view->result->capabilities.api != CONTROL_API_UNKNOWN)
		json_set(out, "capabilities", capabilities(&view->result->capabilities));
	json_set(out, "conditions", conditions(view, verdict));
	return out;
}
