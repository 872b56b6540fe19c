#include "lib/io/httpd.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/io/httpd_internal.h"

struct httpd *httpd_new(struct loop *loop)
{
	struct httpd *h = xcalloc(1, sizeof(*h));
	h->loop_ref = loop;
	return h;
}

void httpd_free(struct httpd *h)
{
	if (h == NULL)
		return;
	while (h->first != NULL)
		httpd_conn_close(h->first);
	while (h->listeners != NULL)
		httpd_listener_free(h->listeners);
	free(h);
}

void httpd_route(struct httpd_listener *l, const char *path, httpd_fn fn, void *arg)
{
	size_t len = strlen(path);
	size_t at = 0;
	while (at < l->route_count && strlen(l->routes[at].path) >= len)
		at++;
	l->routes = xrealloc(l->routes, l->route_count + 1, sizeof(l->routes[0]));
	memmove(&l->routes[at + 1], &l->routes[at], (l->route_count - at) * sizeof(l->routes[0]));
	l->routes[at] = (struct httpd_route){.path = xstrdup(path), .fn = fn, .arg = arg};
	l->route_count++;
}

const struct httpd_route *httpd_find_route(
	const struct httpd_listener *l, const char *path, bool *redirect)
{
	size_t path_len = strlen(path);
	*redirect = false;
	/* Longest first, so the first match is the best. */
	for (size_t i = 0; i < l->route_count; i++) {
		const struct httpd_route *route = &l->routes[i];
		size_t len = strlen(route->path);
		bool is_tree = route->path[len - 1] == '/';
		if (strcmp(path, route->path) == 0 || (is_tree && str_starts(path, route->path)))
			return route;
		if (is_tree && path_len == len - 1 && str_starts(route->path, path)) {
			*redirect = true;
			return route;
		}
	}
	return NULL;
}

const char *httpd_request_path(const struct httpd_request *r)
{
	return r->head.path;
}

const char *httpd_request_query(const struct httpd_request *r)
{
	return r->head.query;
}

bool httpd_request_is_head(const struct httpd_request *r)
{
	return r->head.method != NULL && strcmp(r->head.method, "HEAD") == 0;
}

const char *httpd_request_header(const struct httpd_request *r, const char *name)
{
	return httpd_head_field(&r->head, name);
}

void httpd_request_on_gone(struct httpd_request *r, void (*fn)(void *arg), void *arg)
{
	r->gone_fn = fn;
	r->gone_arg = arg;
}
