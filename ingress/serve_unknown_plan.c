#include "ingress/serve_unknown_plan.h"

#include <string.h>

#include "lib/base/json.h"
#include "lib/base/mem.h"

#define NAME_SHOWN_MAX 64

/* A known member. */
struct shape {
	const char *key;        /* NULL ends the list */
	const struct shape *of; /* shape of its values, whose keys are arbitrary; or NULL */
};

static const struct shape tcp_handler[] = {
	{.key = "HTTPS"},
	{.key = "HTTP"},
	{.key = "TCPForward"},
	{.key = "TerminateTLS"},
	{.key = "ProxyProtocol"},
	{0},
};

static const struct shape http_handler[] = {
	{.key = "Path"},
	{.key = "Proxy"},
	{.key = "Text"},
	{.key = "AcceptAppCaps"},
	{.key = "Redirect"},
	{0},
};

static const struct shape web_server[] = {
	{.key = "Handlers", .of = http_handler},
	{0},
};

static const struct shape service[] = {
	{.key = "TCP", .of = tcp_handler},
	{.key = "Web", .of = web_server},
	{.key = "Tun"},
	{0},
};

/* A foreground config has no Foreground of its own. */
static const struct shape foreground[] = {
	{.key = "TCP", .of = tcp_handler},
	{.key = "Web", .of = web_server},
	{.key = "Services", .of = service},
	{.key = "AllowFunnel"},
	{0},
};

static const struct shape config[] = {
	{.key = "TCP", .of = tcp_handler},
	{.key = "Web", .of = web_server},
	{.key = "Services", .of = service},
	{.key = "AllowFunnel"},
	{.key = "Foreground", .of = foreground},
	{0},
};

static const struct shape *find(const struct shape *list, const char *key)
{
	for (; list->key != NULL; list++) {
		if (str_equal_fold(list->key, key))
			return list;
	}
	return NULL;
}

static char *path_of(const char *before, const char *key)
{
	int shown = (int)str_cut(key, strlen(key), NAME_SHOWN_MAX);
	return xasprintf("%s%s%.*s", before, before[0] != '\0' ? "." : "", shown, key);
}

static void look(const struct json *obj, const struct shape *list, const char *path,
	struct strv *out); /* as deep as the shapes are */

static void look_inside(
	const struct json *value, const struct shape *known, const char *path, struct strv *out)
{
	if (known->of == NULL || json_type(value) != JSON_OBJECT)
		return;
	for (const struct json *m = json_first(value); m != NULL; m = json_next(m)) {
		AUTO(mem_free) char *inner = path_of(path, json_key(m));
		look(m, known->of, inner, out);
	}
}

static void look(
	const struct json *obj, const struct shape *list, const char *path, struct strv *out)
{
	if (json_type(obj) != JSON_OBJECT)
		return;
	for (const struct json *m = json_first(obj); m != NULL; m = json_next(m)) {
		const struct shape *known = find(list, json_key(m));
		AUTO(mem_free) char *inner = path_of(path, json_key(m));
		if (known != NULL)
			look_inside(m, known, inner, out);
		else if (out->len < SERVE_UNKNOWN_MAX)
			strv_push(out, inner);
	}
}

void serve_unknown_find(const struct json *doc, struct strv *out)
{
	look(doc, config, "", out);
}
