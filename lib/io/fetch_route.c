#include <errno.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/io/fetch_http2.h"
#include "lib/io/fetch_internal.h"

static void url_free(CURLU **url)
{
	curl_url_cleanup(*url);
}

static void part_free(char **part)
{
	curl_free(*part);
}

/* libcurl's own default port of a proxy is 1080, everyone else's that of the scheme. */
int fetch_proxy_parse(
	const char *text, char url[static FETCH_PROXY_MAX], char *host, size_t size, struct err *e)
{
	AUTO(url_free) CURLU *parsed = curl_url();
	AUTO(part_free) char *whole = NULL;
	AUTO(part_free) char *name = NULL;
	AUTO(part_free) char *scheme = NULL;
	AUTO(part_free) char *port = NULL;
	AUTO(mem_free)
	char *spelled = xasprintf(strstr(text, "://") != NULL ? "%s" : "http://%s", text);
	if (parsed == NULL)
		return err_set(e, -ENOMEM, "read URL");
	CURLUcode code = curl_url_set(parsed, CURLUPART_URL, spelled, 0);
	if (code == CURLUE_OK)
		code = curl_url_get(parsed, CURLUPART_SCHEME, &scheme, 0);
	if (code == CURLUE_OK)
		code = curl_url_get(parsed, CURLUPART_HOST, &name, 0);
	if (code == CURLUE_OK)
		code = curl_url_get(parsed, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT);
	if (code == CURLUE_OK)
		code = curl_url_set(parsed, CURLUPART_PORT, port, 0);
	static const CURLUPart rest[] = {CURLUPART_PATH, CURLUPART_QUERY, CURLUPART_FRAGMENT};
	for (size_t i = 0; i < ARRAY_LEN(rest) && code == CURLUE_OK; i++)
		code = curl_url_set(parsed, rest[i], NULL, 0);
	if (code == CURLUE_OK)
		code = curl_url_get(parsed, CURLUPART_URL, &whole, 0);
	if (code != CURLUE_OK)
		return err_set(e, -EINVAL, "bad URL of a proxy: %s", curl_url_strerror(code));
	if (strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0)
		return err_set(e, -EINVAL, "bad URL of a proxy: scheme \"%s\" is not http or https",
			scheme);
	size_t len = strlen(name);
	bool is_bracketed = len >= 2 && name[0] == '[' && name[len - 1] == ']';
	size_t host_len = len - (is_bracketed ? 2 : 0);
	if (host_len >= size || strlen(whole) >= FETCH_PROXY_MAX)
		return err_set(e, -EINVAL, "bad URL of a proxy: too long");
	memcpy(host, name + (is_bracketed ? 1 : 0), host_len);
	host[host_len] = '\0';
	memcpy(url, whole, strlen(whole) + 1);
	return 0;
}

/* Connections are kept by the proxy's name; its address is given as an answer of the resolver. */
static int setup_proxy(struct fetch *fetch, const struct fetch_request *request, struct err *e)
{
	char url[FETCH_PROXY_MAX];
	char host[256];
	struct ipaddr numeric;
	struct err ignored;
	if (fetch_proxy_parse(request->route->proxy, url, host, sizeof(host), e) < 0)
		return err_wrap(e, "%s", fetch->label);
	curl_easy_setopt(fetch->easy, CURLOPT_PROXY, url);
	curl_easy_setopt(fetch->easy, CURLOPT_NOPROXY, "");
	curl_easy_setopt(fetch->easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	const char *port = strrchr(url, ':');
	if (ipaddr_parse(host, &numeric, &ignored) == 0)
		return 0;
	if (request->address == NULL)
		return err_set(e, -EINVAL, "%s: no address given for the proxy \"%s\"",
			fetch->label, host);
	char text[IPADDR_TEXT_MAX];
	ipaddr_format(request->address, text);
	bool is_v6 = request->address->family == IPADDR_V6;
	AUTO(mem_free)
	char *rule = xasprintf(is_v6 ? "+%s:%.*s:[%s]" : "+%s:%.*s:%s", host,
		(int)strspn(port + 1, "0123456789"), port + 1, text);
	fetch->connect_to = curl_slist_append(NULL, rule);
	if (fetch->connect_to == NULL)
		return err_set(e, -ENOMEM, "%s", fetch->label);
	curl_easy_setopt(fetch->easy, CURLOPT_RESOLVE, fetch->connect_to);
	return 0;
}

/* The text of libcurl's certificates is read once for all connections only without a folder. */
static void setup_ca_file(struct fetch *fetch, const char *path)
{
	curl_easy_setopt(fetch->easy, CURLOPT_CAINFO, path);
	curl_easy_setopt(fetch->easy, CURLOPT_CAPATH, NULL);
	curl_easy_setopt(fetch->easy, CURLOPT_PROXY_CAINFO, path);
	curl_easy_setopt(fetch->easy, CURLOPT_PROXY_CAPATH, NULL);
}

static size_t read_once(char *out, size_t size, size_t count, void *arg)
{
	struct fetch *fetch = arg;
	size_t left = fetch->body_len - fetch->body_sent;
	size_t len = left < size * count ? left : size * count;
	if (len == 0)
		return CURL_READFUNC_ABORT;
	memcpy(out, fetch->body + fetch->body_sent, len);
	fetch->body_sent += len;
	return len;
}

/* A body that libcurl reads from us and cannot go back in keeps it from repeating the request. */
static void setup_once(struct fetch *fetch)
{
	curl_easy_setopt(fetch->easy, CURLOPT_POSTFIELDS, NULL);
	curl_easy_setopt(fetch->easy, CURLOPT_READFUNCTION, read_once);
	curl_easy_setopt(fetch->easy, CURLOPT_READDATA, fetch);
}

int fetch_route_setup(struct fetch *fetch, const struct fetch_request *request, struct err *e)
{
	const struct fetch_route *route = request->route;
	if (route->ca_file != NULL)
		setup_ca_file(fetch, route->ca_file);
	if (route->is_sent_once && fetch->body_len > 0)
		setup_once(fetch);
	return route->proxy != NULL ? setup_proxy(fetch, request, e) : 0;
}
