#include "boot/login/registration.h"

#include <string.h>

#include "lib/base/backoff.h"
#include "lib/base/json.h"
#include "lib/base/mem.h"
#include "lib/io/fetch_stream.h"
#include "lib/localapi/localapi.h"

#define LINE_MAX_BYTES ((size_t)64 * 1024)
#define HEAD_TIMEOUT_MS 5000
#define PATIENCE_MS 8000
#define SOONER 4

#define NOT_KNOWN "the control server does not know the node any more: node not found"
#define ASKS_LOGIN "the control server does not know the node any more: it asks for a login"

enum registration_answer registration_read_line(const char *line)
{
	if (strstr(line, "map update error") != NULL &&
		strstr(line, "initial fetch failed 404") != NULL)
		return REGISTRATION_REFUSED;
	return strstr(line, "successful lite map update") != NULL ? REGISTRATION_ACCEPTED
								  : REGISTRATION_NO_ANSWER;
}

static void close_tap(struct registration *r)
{
	timer_stop(&r->patience);
	fetch_cancel(r->tap);
	r->tap = NULL;
	buf_fini(&r->line);
}

/* Without an answer. */
static void finish(struct registration *r)
{
	localapi_cancel(r->call);
	r->call = NULL;
	close_tap(r);
	r->is_again = false;
	timer_start(&r->next, backoff_jitter((uint32_t)r->interval_ms));
}

static void report(struct registration *r, const char *why)
{
	finish(r);
	r->fn(r->arg, why);
}

/* The call has its own deadline, and its result is in the log. */
static void on_token(void *arg, const struct localapi_reply *reply, const struct err *err)
{
	struct registration *r = arg;
	(void)reply;
	r->call = NULL;
	if (err != NULL)
		finish(r);
}

static int on_head(void *arg, const struct fetch_reply *head, struct err *e)
{
	struct registration *r = arg;
	(void)head;
	(void)e;
	r->is_other_token = !r->is_other_token;
	r->call = localapi_push_token(r->api_ref, r->is_other_token ? "b" : "a", on_token, r);
	return 0;
}

static enum registration_answer read_lines(struct registration *r)
{
	enum registration_answer answer = REGISTRATION_NO_ANSWER;
	char *end;
	while (answer == REGISTRATION_NO_ANSWER && r->line.len > 0 &&
		(end = memchr(r->line.data, '\n', r->line.len)) != NULL) {
		*end = '\0';
		answer = registration_read_line(r->line.data);
		buf_consume(&r->line, (size_t)(end - r->line.data) + 1);
	}
	return answer;
}

static int on_data(void *arg, const char *data, size_t len, struct err *e)
{
	struct registration *r = arg;
	if (buf_append(&r->line, data, len, e) < 0)
		return e->code;
	enum registration_answer answer = read_lines(r);
	if (answer != REGISTRATION_NO_ANSWER)
		report(r, answer == REGISTRATION_REFUSED ? NOT_KNOWN : NULL);
	return 0;
}

static void on_end(void *arg, const struct fetch_reply *reply, const struct err *err)
{
	struct registration *r = arg;
	(void)reply;
	(void)err;
	r->tap = NULL;
	finish(r);
}

/* A daemon that was refused before is between two tries, and does not show all of its lines: it is
 * asked again soon, once. */
static void on_patience_over(void *arg)
{
	struct registration *r = arg;
	bool is_again = r->is_again;
	finish(r);
	if (is_again)
		return;
	r->is_again = true;
	timer_start(&r->next, backoff_jitter((uint32_t)r->interval_ms / SOONER));
}

static void open_tap(struct registration *r)
{
	struct err e;
	struct fetch_request request = {
		.method = "GET",
		.url = "http://" LOCALAPI_HOST "/localapi/v0/logtap",
		.unix_socket = localapi_socket(r->api_ref),
		.head_timeout_ms = HEAD_TIMEOUT_MS,
		.fresh_connection = true,
	};
	struct fetch_stream_sink sink = {
		.on_head = on_head, .on_data = on_data, .on_end = on_end, .arg = r};
	r->line = BUF_INIT(LINE_MAX_BYTES);
	timer_start(&r->patience, PATIENCE_MS);
	r->tap = fetch_stream_start(localapi_fetcher(r->api_ref), &request, &sink, &e);
	if (r->tap == NULL)
		finish(r);
}

/* Tailscale's own server notifies a node that it was deleted. */
static bool notifies_deletion(const struct localapi_reply *reply)
{
	struct err e;
	AUTO(json_freep) struct json *prefs = json_parse(reply->body, reply->len, &e);
	const struct json *url = prefs != NULL ? json_get(prefs, "ControlURL") : NULL;
	const char *text = url != NULL ? json_str(url) : NULL;
	return text == NULL || text[0] == '\0' || strstr(text, ".tailscale.com") != NULL;
}

static void on_prefs(void *arg, const struct localapi_reply *reply, const struct err *err)
{
	struct registration *r = arg;
	r->call = NULL;
	if (err != NULL)
		finish(r);
	else if (notifies_deletion(reply))
		report(r, NULL);
	else
		open_tap(r);
}

/* A daemon with an open map stream does not wait for a login. */
static bool waits_for_login(const struct localapi_reply *reply)
{
	struct err e;
	bool is_online = false;
	AUTO(json_freep) struct json *status = json_parse(reply->body, reply->len, &e);
	const struct json *url = status != NULL ? json_get(status, "AuthURL") : NULL;
	const struct json *self = status != NULL ? json_get(status, "Self") : NULL;
	const char *text = url != NULL ? json_str(url) : NULL;
	if (text == NULL || text[0] == '\0')
		return false;
	return self == NULL || json_get_bool(self, "Online", &is_online, &e) < 0 || !is_online;
}

static void on_status(void *arg, const struct localapi_reply *reply, const struct err *err)
{
	struct registration *r = arg;
	r->call = NULL;
	if (err != NULL)
		finish(r);
	else if (waits_for_login(reply))
		report(r, ASKS_LOGIN);
	else
		r->call = localapi_prefs_get(r->api_ref, on_prefs, r);
}

static void ask(void *arg)
{
	struct registration *r = arg;
	r->call = localapi_status(r->api_ref, on_status, r);
}

void registration_init(struct registration *r, struct loop *loop, struct localapi *api,
	uint64_t interval_ms, registration_fn fn, void *arg)
{
	*r = (struct registration){
		.api_ref = api, .interval_ms = interval_ms, .fn = fn, .arg = arg};
	timer_init(&r->next, loop, ask, r);
	timer_init(&r->patience, loop, on_patience_over, r);
}

void registration_start(struct registration *r)
{
	if (r->is_active || r->interval_ms == 0)
		return;
	r->is_active = true;
	finish(r);
}

void registration_stop(struct registration *r)
{
	r->is_active = false;
	timer_stop(&r->next);
	localapi_cancel(r->call);
	r->call = NULL;
	close_tap(r);
}

void registration_look(struct registration *r)
{
	if (r->is_active && r->call == NULL && r->tap == NULL)
		timer_start(&r->next, 0);
}
