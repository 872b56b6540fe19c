/*
 * A client of control planes that does what it reads:
 *
 *	{"do":"new","name":"a","kind":"tailscale","url":"http://…","client_id":"…",…}
 *	{"do":"probe","of":"a","tag":"1"}, list_devices
 *	{"do":"create_key","of":"a","tag":"2","tags":["tag:k8s"],"expiry_s":3600}
 *	{"do":"delete_key","of":"a","tag":"3","key":"k1"}, delete_device with "device"
 *	{"do":"cancel","tag":"1"}, {"do":"free","of":"a"}
 *
 * Each call is answered by one event with its tag.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/control/control.h"
#include "lib/io/fetch_http2.h"
#include "lib/io/loop.h"
#include "lib/io/resolve.h"
#include "tests/drive/drive_line.h"

#define PLANES_MAX 16
#define SHOWN_MAX 10 /* devices of a list */

struct request {
	struct request *next, **link;
	char *tag;
	char *plane;
	uint64_t begun_ms;
	struct control_call *call;
	struct json *devices;
	int64_t count;
	bool is_quiet; /* the text of a key is not shown */
};

struct plane {
	char *name;
	struct control *control;
};

struct drive {
	struct loop *loop;
	struct fetcher *fetcher;
	struct resolver *resolver;
	struct plane planes[PLANES_MAX];
	struct request *requests;
};

static void request_free(struct request *r)
{
	*r->link = r->next;
	if (r->next != NULL)
		r->next->link = r->link;
	json_free(r->devices);
	free(r->tag);
	free(r->plane);
	free(r);
}

static struct request *request_new(struct drive *d, const struct json *command)
{
	struct request *r = xcalloc(1, sizeof(*r));
	r->tag = xstrdup(drive_text_or(command, "tag", ""));
	r->plane = xstrdup(drive_text_or(command, "of", ""));
	r->begun_ms = clock_now_ms();
	r->devices = json_new_array();
	r->is_quiet = json_bool(json_get(command, "quiet"), false);
	r->next = d->requests;
	r->link = &d->requests;
	if (r->next != NULL)
		r->next->link = &r->next;
	d->requests = r;
	return r;
}

static struct plane *plane_of(struct drive *d, const char *name)
{
	for (size_t i = 0; i < PLANES_MAX; i++) {
		const char *here = d->planes[i].name != NULL ? d->planes[i].name : "";
		if (strcmp(here, name) == 0)
			return &d->planes[i];
	}
	drive_must(false, "no such plane, or too many");
	return NULL;
}

static void number(struct json *event, const char *key, int64_t value)
{
	json_set(event, key, json_new_i64(value));
}

static struct json *event_of(
	const struct request *r, const struct control_result *result, const struct err *err)
{
	struct json *event = json_new_object();
	json_set_str(event, "tag", r->tag);
	json_set_str(event, "outcome", control_outcome_name(result->outcome));
	json_set_str(event, "error", err != NULL ? err->msg : "");
	number(event, "status", result->status);
	number(event, "retry_after_ms", (int64_t)result->retry_after_ms);
	number(event, "ms", (int64_t)(clock_now_ms() - r->begun_ms));
	return event;
}

static void on_done(void *arg, const struct control_result *result, const struct err *err)
{
	struct request *r = arg;
	struct json *event = event_of(r, result, err);
	json_set(event, "devices", json_dup(r->devices));
	number(event, "count", r->count);
	drive_say(event);
	request_free(r);
}

static void on_key(void *arg, const struct control_key *key, const struct control_result *result,
	const struct err *err)
{
	struct request *r = arg;
	struct json *event = event_of(r, result, err);
	if (key != NULL) {
		json_set_str(event, "id", key->id);
		if (!r->is_quiet)
			json_set_str(event, "key", secret_str(key->key));
	}
	drive_say(event);
	request_free(r);
}

static struct json *texts(const struct strv *list)
{
	struct json *array = json_new_array();
	for (size_t i = 0; i < list->len; i++)
		json_push(array, json_new_str(list->items[i]));
	return array;
}

static void on_device(void *arg, const struct control_device *device)
{
	struct request *r = arg;
	if (r->count++ >= SHOWN_MAX)
		return;
	struct json *item = json_new_object();
	json_set_str(item, "id", device->id);
	json_set_str(item, "name", device->name);
	json_set_str(item, "hostname", device->hostname);
	json_set_str(item, "key_id", device->key_id);
	json_set(item, "addresses", texts(device->addresses));
	json_set(item, "tags", texts(device->tags));
	json_set(item, "is_online", json_new_bool(device->is_online));
	json_set(item, "is_shared", json_new_bool(device->is_shared));
	json_push(r->devices, item);
}

static void on_trace(void *arg, const char *tailnet, const char *operation, int status)
{
	struct json *event = json_new_object();
	(void)arg;
	json_set_str(event, "event", "trace");
	json_set_str(event, "tailnet", tailnet);
	json_set_str(event, "operation", operation);
	number(event, "status", status);
	drive_say(event);
}

static uint32_t milliseconds(const struct json *command, const char *key)
{
	int64_t value = 0;
	(void)json_i64(json_get(command, key), &value);
	return (uint32_t)value;
}

static void do_new(struct drive *d, const struct json *command)
{
	struct secret secret = {0};
	struct secret key = {0};
	struct err e = {0};
	struct plane *plane = plane_of(d, "");
	secret_set_str(&secret, drive_text(command, "client_secret"));
	secret_set_str(&key, drive_text(command, "api_key"));
	bool is_tailscale = strcmp(drive_text_or(command, "kind", ""), "tailscale") == 0;
	const struct control_options options = {
		.kind = is_tailscale ? CONTROL_TAILSCALE : CONTROL_HEADSCALE,
		.name = drive_text(command, "name"),
		.api_url = drive_text(command, "url"),
		.tailnet = drive_text(command, "tailnet"),
		.client_id = drive_text(command, "client_id"),
		.client_secret = &secret,
		.api_key = &key,
		.ca_pem = drive_text(command, "ca_pem"),
		.proxy = drive_text(command, "proxy"),
		.no_proxy = drive_text(command, "no_proxy"),
		.second_401_ms = milliseconds(command, "second_401_ms"),
		.timeout_ms = milliseconds(command, "timeout_ms"),
	};
	plane->control = control_new(d->loop, d->fetcher, d->resolver, &options, &e);
	secret_fini(&secret);
	secret_fini(&key);
	struct json *event = json_new_object();
	json_set_str(event, "event", "new");
	json_set_str(event, "error", plane->control == NULL ? e.msg : "");
	drive_say(event);
	if (plane->control == NULL)
		return;
	plane->name = xstrdup(options.name);
	control_set_trace(plane->control, on_trace, NULL);
}

static void do_free(struct drive *d, const char *name)
{
	struct plane *plane = plane_of(d, name);
	control_free(plane->control);
	free(plane->name);
	*plane = (struct plane){0};
	for (struct request *r = d->requests, *next; r != NULL; r = next) {
		next = r->next;
		if (strcmp(r->plane, name) == 0)
			request_free(r);
	}
}

static void do_cancel(struct drive *d, const char *tag)
{
	for (struct request *r = d->requests; r != NULL; r = r->next) {
		if (strcmp(r->tag, tag) != 0)
			continue;
		control_cancel(r->call);
		request_free(r);
		return;
	}
}

static void say_capabilities(const struct control *c)
{
	const struct control_capabilities *caps = control_capabilities(c);
	struct json *event = json_new_object();
	json_set_str(event, "event", "capabilities");
	json_set_str(event, "api", control_api_name(caps->api));
	json_set_str(event, "version", caps->server_version);
	json_set(event, "vip_services", json_new_bool(caps->vip_services));
	json_set(event, "certificates", json_new_bool(caps->certificates));
	json_set_str(event, "key_scope", control_scope(c, "create_key"));
	drive_say(event);
}

static void create_key(struct control *c, struct request *r, const struct json *command)
{
	AUTO(strv_fini) struct strv tags = {0};
	struct err e;
	drive_must(json_get_strv(command, "tags", &tags, &e) == 0, "tags");
	const struct control_key_request key = {
		.tags = &tags,
		.expiry_s = milliseconds(command, "expiry_s"),
		.ephemeral = json_bool(json_get(command, "ephemeral"), false),
		.description = drive_text(command, "description"),
	};
	r->call = control_create_key(c, &key, on_key, r);
}

static void do_call(struct drive *d, const char *what, const struct json *command)
{
	struct control *c = plane_of(d, drive_text_or(command, "of", "?"))->control;
	struct request *r = request_new(d, command);
	const struct control_devices sink = {.on_device = on_device, .on_end = on_done, .arg = r};
	if (strcmp(what, "probe") == 0)
		r->call = control_probe(c, on_done, r);
	else if (strcmp(what, "create_key") == 0)
		create_key(c, r, command);
	else if (strcmp(what, "delete_key") == 0)
		r->call = control_delete_key(c, drive_text_or(command, "key", ""), on_done, r);
	else if (strcmp(what, "list_devices") == 0)
		r->call = control_list_devices(c, &sink);
	else if (strcmp(what, "delete_device") == 0)
		r->call =
			control_delete_device(c, drive_text_or(command, "device", ""), on_done, r);
	else
		drive_must(false, what);
}

static void on_command(void *arg, const struct json *command)
{
	struct drive *d = arg;
	const char *what = drive_text_or(command, "do", "");
	if (strcmp(what, "new") == 0)
		do_new(d, command);
	else if (strcmp(what, "free") == 0)
		do_free(d, drive_text_or(command, "of", "?"));
	else if (strcmp(what, "cancel") == 0)
		do_cancel(d, drive_text_or(command, "tag", ""));
	else if (strcmp(what, "capabilities") == 0)
		say_capabilities(plane_of(d, drive_text_or(command, "of", "?"))->control);
	else
		do_call(d, what, command);
}

int main(void)
{
	struct err e = {0};
	struct drive d = {0};
	signal(SIGPIPE, SIG_IGN);
	d.loop = loop_new(&e);
	drive_must(d.loop != NULL, e.msg);
	d.fetcher = fetch_http2_new(d.loop, &e);
	d.resolver = resolver_new(d.loop, &e);
	drive_must(d.fetcher != NULL && d.resolver != NULL, e.msg);
	drive_run(d.loop, on_command, &d);
	for (size_t i = 0; i < PLANES_MAX; i++) {
		control_free(d.planes[i].control);
		free(d.planes[i].name);
	}
	while (d.requests != NULL)
		request_free(d.requests);
	fetcher_free(d.fetcher);
	resolver_free(d.resolver);
	loop_free(d.loop);
	return 0;
}
