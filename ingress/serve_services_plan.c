#include "ingress/serve_services_plan.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ingress/serve_endpoint_plan.h"
#include "lib/base/json.h"
#include "lib/base/mem.h"

#define PREFIX "svc:"
#define LABEL_MAX 63
#define PORT_TEXT_MAX sizeof("65535")

/* One service while it is translated. */
struct service {
	const char *label; /* of its name: "web" */
	const char *suffix;
	struct json *tcp, *web; /* the translation */
	bool is_tun;
	unsigned int *ports_left_ref;
};

/* A member of a serve config, NULL when there is none. */
static const char *member_of_other(const struct json *doc)
{
	static const char *const others[] = {"TCP", "Web", "Services", "AllowFunnel", "Foreground"};
	for (size_t i = 0; i < ARRAY_LEN(others); i++) {
		if (json_get(doc, others[i]) != NULL)
			return others[i];
	}
	return NULL;
}

bool serve_services_is(const struct json *doc)
{
	enum json_type version = json_type(json_get(doc, "version"));
	return version != JSON_NONE && version != JSON_NULL && member_of_other(doc) == NULL;
}

static bool has_endpoints(const struct json *doc)
{
	const struct json *services = json_get_fold(doc, "services");
	if (json_get(doc, "endpoints") != NULL)
		return true;
	for (const struct json *s = json_first(services); s != NULL; s = json_next(s)) {
		if (json_get(s, "endpoints") != NULL)
			return true;
	}
	return false;
}

int serve_services_check_other(const struct json *doc, struct err *e)
{
	const char *other = member_of_other(doc);
	if (!has_endpoints(doc))
		return 0;
	if (other != NULL)
		return err_set(e, -EINVAL,
			"mixes two formats: \"%s\" belongs to a serve configuration, "
			"\"endpoints\" to the services format; use one of them",
			other);
	return err_set(e, -EINVAL,
		"looks like the services format, but has no \"version\": "
		"\"" SERVE_SERVICES_VERSION "\"");
}

/* Checks that all members of an object are among the names, a list that ends with NULL. */
static int check_members(const struct json *obj, const char *const *names, struct err *e)
{
	for (const struct json *m = json_first(obj); m != NULL; m = json_next(m)) {
		size_t i = 0;
		while (names[i] != NULL && strcmp(names[i], json_key(m)) != 0)
			i++;
		if (names[i] == NULL)
			return err_set(e, -EINVAL, "unknown member \"%s\"", json_key(m));
	}
	return 0;
}

static bool is_label(const char *text)
{
	size_t len = strlen(text);
	if (len == 0 || len > LABEL_MAX || text[0] == '-' || text[len - 1] == '-')
		return false;
	for (const char *p = text; *p != '\0'; p++) {
		if (!isalnum((unsigned char)*p) && *p != '-')
			return false;
	}
	return true;
}

static int host_of(const struct service *s, char **out, struct err *e)
{
	if (s->suffix[0] == '\0')
		return err_set(e, -EINVAL, "the tailnet's suffix of names is not known yet");
	*out = xasprintf("%s.%s", s->label, s->suffix);
	return 0;
}

static int add_web(
	struct service *s, const struct serve_endpoint *endpoint, uint16_t port, struct err *e)
{
	bool is_path = endpoint->place_ref != NULL && endpoint->place_ref[0] == '/';
	AUTO(mem_free) char *host = NULL;
	AUTO(mem_free) char *target = serve_endpoint_target(endpoint, port);
	if (host_of(s, &host, e) < 0)
		return e->code;
	AUTO(mem_free) char *key = xasprintf("%s:%u", host, port);
	struct json *handler = json_new_object();
	json_set_str(handler, is_path ? "Path" : "Proxy", target);
	struct json *handlers = json_new_object();
	json_set(handlers, "/", handler);
	struct json *server = json_new_object();
	json_set(server, "Handlers", handlers);
	json_set(s->web, key, server);
	return 0;
}

static int add_port(
	struct service *s, const struct serve_endpoint *endpoint, uint16_t port, struct err *e)
{
	char text[PORT_TEXT_MAX];
	snprintf(text, sizeof(text), "%u", port);
	if (json_get(s->tcp, text) != NULL)
		return err_set(e, -EINVAL, "port %u is served twice", port);
	if (*s->ports_left_ref == 0)
		return err_set(e, -EINVAL, "more than %u ports", SERVE_SERVICES_PORTS_MAX);
	(*s->ports_left_ref)--;
	struct json *handler = json_new_object();
	json_set(s->tcp, text, handler);
	if (endpoint->kind == SERVE_KIND_HTTP || endpoint->kind == SERVE_KIND_HTTPS) {
		bool is_https = endpoint->kind == SERVE_KIND_HTTPS;
		json_set(handler, is_https ? "HTTPS" : "HTTP", json_new_bool(true));
		return add_web(s, endpoint, port, e);
	}
	AUTO(mem_free) char *target = serve_endpoint_target(endpoint, port);
	json_set_str(handler, "TCPForward", target);
	if (endpoint->kind != SERVE_KIND_TLS_TCP)
		return 0;
	AUTO(mem_free) char *host = NULL;
	if (host_of(s, &host, e) < 0)
		return e->code;
	json_set_str(handler, "TerminateTLS", host);
	return 0;
}

static int add_endpoint(struct service *s, const struct json *member, struct err *e)
{
	struct serve_endpoint endpoint;
	const char *target = json_str(member);
	if (target == NULL)
		return err_set(e, -EINVAL, "the target is no string");
	if (serve_endpoint_parse(json_key(member), target, &endpoint, e) < 0)
		return e->code;
	if (endpoint.kind == SERVE_KIND_TUN) {
		s->is_tun = true;
		return 0;
	}
	for (unsigned int port = endpoint.from.first; port <= endpoint.from.last; port++) {
		if (add_port(s, &endpoint, (uint16_t)port, e) < 0)
			return e->code;
	}
	return 0;
}

static int add_endpoints(struct service *s, const struct json *endpoints, struct err *e)
{
	if (json_type(endpoints) != JSON_OBJECT || json_len(endpoints) == 0)
		return err_set(e, -EINVAL, "it has no \"endpoints\"");
	for (const struct json *m = json_first(endpoints); m != NULL; m = json_next(m)) {
		if (add_endpoint(s, m, e) < 0)
			return err_wrap(e, "endpoint \"%s\"", json_key(m));
	}
	if (s->is_tun && json_len(endpoints) > 1)
		return err_set(e, -EINVAL, "TUN cannot be mixed with ports");
	return 0;
}

static int check_service(const struct json *member, bool *is_advertised, struct err *e)
{
	static const char *const names[] = {"endpoints", "advertised", NULL};
	const char *name = json_key(member);
	*is_advertised = true;
	if (!str_starts(name, PREFIX) || !is_label(name + strlen(PREFIX)))
		return err_set(e, -EINVAL, "want a name like " PREFIX "web");
	if (json_type(member) != JSON_OBJECT)
		return err_set(e, -EINVAL, "it is no object");
	if (check_members(member, names, e) < 0 ||
		json_get_bool(member, "advertised", is_advertised, e) < 0)
		return e->code;
	return 0;
}

static int add_service(struct json *services, struct service *s, const struct json *member,
	struct strv *withheld, struct err *e)
{
	bool is_advertised;
	if (check_service(member, &is_advertised, e) < 0)
		return e->code;
	struct json *made = json_new_object();
	json_set(services, json_key(member), made);
	s->label = json_key(member) + strlen(PREFIX);
	s->is_tun = false;
	s->tcp = json_new_object();
	s->web = json_new_object();
	json_set(made, "TCP", s->tcp);
	json_set(made, "Web", s->web);
	if (add_endpoints(s, json_get(member, "endpoints"), e) < 0)
		return e->code;
	if (json_len(s->web) == 0)
		json_remove(made, "Web");
	if (s->is_tun) {
		json_remove(made, "TCP");
		json_set(made, "Tun", json_new_bool(true));
	}
	if (!is_advertised)
		strv_push(withheld, json_key(member));
	return 0;
}

static int check_document(const struct json *doc, struct err *e)
{
	static const char *const names[] = {"version", "services", NULL};
	const char *version = json_str(json_get(doc, "version"));
	if (version == NULL || strcmp(version, SERVE_SERVICES_VERSION) != 0)
		return err_set(e, -EINVAL, "\"version\" is not \"" SERVE_SERVICES_VERSION "\"");
	if (json_get(doc, "endpoints") != NULL)
		return err_set(e, -EINVAL,
			"a single service has no name here: put it under "
			"\"services\", behind its name");
	enum json_type type = json_type(json_get(doc, "services"));
	if (type != JSON_NONE && type != JSON_NULL && type != JSON_OBJECT)
		return err_set(e, -EINVAL, "services is no object");
	return check_members(doc, names, e);
}

int serve_services_translate(const struct json *doc, const char *suffix, struct json **out,
	struct strv *withheld, struct err *e)
{
	unsigned int ports_left = SERVE_SERVICES_PORTS_MAX;
	struct service s = {.suffix = suffix, .ports_left_ref = &ports_left};
	if (check_document(doc, e) < 0)
		return e->code;
	AUTO(json_freep) struct json *config = json_new_object();
	struct json *services = json_new_object();
	json_set(config, "Services", services);
	const struct json *given = json_get(doc, "services");
	for (const struct json *m = json_first(given); m != NULL; m = json_next(m)) {
		if (json_get(services, json_key(m)) != NULL)
			return err_set(
				e, -EINVAL, "service \"%s\" stands there twice", json_key(m));
		if (add_service(services, &s, m, withheld, e) < 0)
			return err_wrap(e, "service \"%s\"", json_key(m));
	}
	strv_sort(withheld);
	*out = STEAL(config);
	return 0;
}
