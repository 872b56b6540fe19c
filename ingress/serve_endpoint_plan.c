#include "ingress/serve_endpoint_plan.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/ipaddr.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

#define UNIX "unix:"
#define PORT_RANGE_MAX sizeof("65535-65535")

struct scheme {
	const char *name;
	enum serve_kind kind;
};

static const struct scheme schemes[] = {
	{"http", SERVE_KIND_HTTP},
	{"https", SERVE_KIND_HTTPS},
	{"https+insecure", SERVE_KIND_HTTPS},
	{"file", SERVE_KIND_HTTPS},
	{"tcp", SERVE_KIND_TCP},
	{"tls-terminated-tcp", SERVE_KIND_TLS_TCP},
};

static int parse_port(const char *text, uint16_t *out, struct err *e)
{
	uint64_t port;
	if (!isdigit((unsigned char)text[0]) || str_to_u64(text, UINT16_MAX, &port, e) < 0 ||
		port == 0)
		return err_set(e, -EINVAL, "want a port from 1 to 65535, or a range of them");
	*out = (uint16_t)port;
	return 0;
}

/* "443" or "8000-8009". */
static int parse_ports(const char *text, struct serve_ports *out, struct err *e)
{
	char first[PORT_RANGE_MAX];
	const char *dash = strchr(text, '-');
	size_t len = dash != NULL ? (size_t)(dash - text) : strlen(text);
	if (len >= sizeof(first))
		return err_set(e, -EINVAL, "want a port from 1 to 65535, or a range of them");
	memcpy(first, text, len);
	first[len] = '\0';
	if (parse_port(first, &out->first, e) < 0 ||
		parse_port(dash != NULL ? dash + 1 : first, &out->last, e) < 0)
		return e->code;
	if (out->first > out->last)
		return err_set(e, -EINVAL, "the range of ports ends before it begins");
	return 0;
}

static int parse_key(const char *key, struct serve_ports *out, struct err *e)
{
	const char *colon = strrchr(key, ':');
	size_t len = colon != NULL ? (size_t)(colon - key) : 0;
	bool is_tcp = (len == 3 && strncasecmp(key, "tcp", len) == 0) ||
		      (len == 1 && key[0] == '6'); /* its number */
	if (!is_tcp)
		return err_set(e, -EINVAL, "only ports of TCP can be served: want tcp:PORT");
	return parse_ports(colon + 1, out, e);
}

static bool is_name(const char *host)
{
	char before = '.';
	for (const char *p = host; *p != '\0'; before = *p++) {
		bool is_edge = *p == '-' || *p == '.';
		if (!isalnum((unsigned char)*p) && !is_edge)
			return false;
		/* Labels neither begin nor end with a dash, and are not empty. */
		if (is_edge && (before == '.' || (*p == '.' && before == '-')))
			return false;
	}
	return isalnum((unsigned char)before);
}

static int parse_host(const char *text, size_t len, char out[SERVE_HOST_MAX + 1], struct err *e)
{
	struct ipaddr address;
	struct err ignored;
	if (len >= 2 && text[0] == '[' && text[len - 1] == ']') {
		text++;
		len -= 2;
	}
	if (len > SERVE_HOST_MAX)
		return err_set(e, -EINVAL, "the name of the target's host is too long");
	for (size_t i = 0; i < len; i++)
		out[i] = (char)tolower((unsigned char)text[i]);
	out[len] = '\0';
	if (ipaddr_parse(out, &address, &ignored) < 0 && !is_name(out))
		return err_set(e, -EINVAL, "the target has no usable host");
	return 0;
}

static int parse_place(const char *text, struct serve_endpoint *out, struct err *e)
{
	bool is_path = str_starts(text, "/");
	bool is_file = strcmp(out->scheme_ref, "file") == 0;
	if (is_file && !is_path)
		return err_set(e, -EINVAL, "want an absolute path behind file://");
	if (!is_file && text[strlen(UNIX)] == '\0')
		return err_set(e, -EINVAL, "want a path behind unix:");
	out->scheme_ref = NULL;
	out->place_ref = text;
	return 0;
}

static int parse_target(const char *text, struct serve_endpoint *out, struct err *e)
{
	const char *rest = strstr(text, "://");
	if (rest == NULL)
		return err_set(e, -EINVAL, "want SCHEME://HOST:PORT");
	for (size_t i = 0; i < ARRAY_LEN(schemes) && out->scheme_ref == NULL; i++) {
		size_t len = strlen(schemes[i].name);
		if (len != (size_t)(rest - text) || memcmp(text, schemes[i].name, len) != 0)
			continue;
		out->scheme_ref = schemes[i].name;
		out->kind = schemes[i].kind;
	}
	rest += strlen("://");
	if (out->scheme_ref == NULL)
		return err_set(e, -EINVAL,
			"want a target of http, https, https+insecure, file, "
			"tcp or tls-terminated-tcp");
	if (strcmp(out->scheme_ref, "file") == 0 || str_starts(rest, UNIX))
		return parse_place(rest, out, e);
	const char *colon = strrchr(rest, ':');
	if (colon == NULL)
		return err_set(e, -EINVAL, "the target has no port");
	if (parse_host(rest, (size_t)(colon - rest), out->host, e) < 0 ||
		parse_ports(colon + 1, &out->to, e) < 0)
		return err_wrap(e, "target");
	if (out->to.last - out->to.first != out->from.last - out->from.first)
		return err_set(e, -EINVAL, "want as many ports of the target as of the service");
	return 0;
}

int serve_endpoint_parse(
	const char *key, const char *target, struct serve_endpoint *out, struct err *e)
{
	*out = (struct serve_endpoint){.kind = SERVE_KIND_TUN};
	bool is_all = strcmp(key, "*") == 0;
	bool is_tun = strcmp(target, "TUN") == 0;
	if (is_all != is_tun)
		return err_set(e, -EINVAL, "\"*\" and TUN go together only");
	if (is_tun)
		return 0;
	if (parse_key(key, &out->from, e) < 0)
		return e->code;
	return parse_target(target, out, e);
}

char *serve_endpoint_target(const struct serve_endpoint *endpoint, uint16_t port)
{
	if (endpoint->place_ref != NULL)
		return xstrdup(endpoint->place_ref);
	unsigned int to = endpoint->to.first + (unsigned int)(port - endpoint->from.first);
	bool has_colon = strchr(endpoint->host, ':') != NULL;
	bool is_web = endpoint->kind == SERVE_KIND_HTTP || endpoint->kind == SERVE_KIND_HTTPS;
	return xasprintf("%s%s%s%s%s:%u", is_web ? endpoint->scheme_ref : "", is_web ? "://" : "",
		has_colon ? "[" : "", endpoint->host, has_colon ? "]" : "", to);
}
