#include "lib/io/fetch_internal.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"

/* libcurl reads at most this much in one turn of the loop. */
#define TURN_BYTES (16 * 1024)
#define STREAM_TURN_BYTES (64 * 1024)

static void url_free(CURLU **url)
{
	curl_url_cleanup(*url);
}

static void part_free(char **part)
{
	curl_free(*part);
}

int fetch_url_host(const char *text, char *host, size_t size, struct err *e)
{
	AUTO(url_free) CURLU *url = curl_url();
	AUTO(part_free) char *scheme = NULL;
	AUTO(part_free) char *name = NULL;
	if (url == NULL)
		return err_set(e, -ENOMEM, "read URL");
	/* The error omits the URL: it may contain secrets in an unexpected place. */
	CURLUcode code = curl_url_set(url, CURLUPART_URL, text, CURLU_DISALLOW_USER);
	if (code == CURLUE_OK)
		code = curl_url_get(url, CURLUPART_SCHEME, &scheme, 0);
	if (code == CURLUE_OK)
		code = curl_url_get(url, CURLUPART_HOST, &name, 0);
	if (code != CURLUE_OK)
		return err_set(e, -EINVAL, "bad URL: %s", curl_url_strerror(code));
	if (strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0)
		return err_set(e, -EINVAL, "bad URL: scheme \"%s\" is not http or https", scheme);

	size_t len = strlen(name);
	bool is_bracketed = len >= 2 && name[0] == '[' && name[len - 1] == ']';
	const char *begin = is_bracketed ? name + 1 : name;
	len -= is_bracketed ? 2 : 0;
	if (len >= size)
		return err_set(e, -EINVAL, "bad URL: host name too long");
	memcpy(host, begin, len);
	host[len] = '\0';
	return 0;
}

static int setup_address(struct fetch *fetch, const struct fetch_request *request, struct err *e)
{
	char host[256];
	if (fetch_url_host(request->url, host, sizeof(host), e) < 0)
		return e->code;
	if (request->route != NULL && request->route->proxy != NULL)
		return 0;
	if (request->unix_socket != NULL) {
		curl_easy_setopt(fetch->easy, CURLOPT_UNIX_SOCKET_PATH, request->unix_socket);
		return 0;
	}
	if (request->address == NULL) {
		/* libcurl would start a resolver thread. */
		struct ipaddr address;
		if (ipaddr_parse(host, &address, e) < 0)
			return err_set(e, -EINVAL, "%s: no address given for host \"%s\"",
				fetch->label, host);
		return 0;
	}
	if (request->address->zone[0] != '\0')
		return err_set(e, -EINVAL, "%s: address with a zone", fetch->label);
	char text[IPADDR_TEXT_MAX];
	ipaddr_format(request->address, text);
	bool is_v6 = request->address->family == IPADDR_V6;
	/* An empty host and port match any, so those of the URL. Certificates are still checked
	 * against the URL's host. */
	AUTO(mem_free) char *rule = xasprintf(is_v6 ? "::[%s]:" : "::%s:", text);
	fetch->connect_to = curl_slist_append(NULL, rule);
	if (fetch->connect_to == NULL)
		return err_set(e, -ENOMEM, "%s", fetch->label);
	curl_easy_setopt(fetch->easy, CURLOPT_CONNECT_TO, fetch->connect_to);
	return 0;
}

static int add_header(struct fetch *fetch, const char *line, struct err *e)
{
	struct curl_slist *longer = curl_slist_append(fetch->headers, line);
	if (longer == NULL)
		return err_set(e, -ENOMEM, "%s: header", fetch->label);
	fetch->headers = longer;
	return 0;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool has_header(const struct fetch *fetch, const char *name)
{
	size_t len = strlen(name);
	for (const struct curl_slist *h = fetch->headers; h != NULL; h = h->next) {
		if (strncasecmp(h->data, name, len) == 0 &&
			(h->data[len] == ':' || h->data[len] == ';'))
			return true;
	}
	return false;
}

/* One "Name: value" line in libcurl's spelling, where "Name:" removes a header and "Name;" sends it
 * empty. */
static int add_caller_header(struct fetch *fetch, const char *line, struct err *e)
{
	const char *colon = strchr(line, ':');
	if (colon == NULL || colon == line || strpbrk(line, "\r\n") != NULL)
		return err_set(e, -EINVAL, "%s: header is not \"Name: value\"", fetch->label);
	if (colon[1 + strspn(colon + 1, " \t")] != '\0')
		return add_header(fetch, line, e);
	AUTO(mem_free) char *empty = xasprintf("%.*s;", (int)(colon - line), line);
	return add_header(fetch, empty, e);
}

static int add_bearer(struct fetch *fetch, const struct secret *bearer, struct err *e)
{
	if (strpbrk(secret_str(bearer), "\r\n") != NULL)
		return err_set(e, -EINVAL, "%s: bearer token with a line end", fetch->label);
	/* Not printed: that would leave parts behind in memory that it has outgrown. */
	static const char name[] = "Authorization: Bearer ";
	size_t size = sizeof(name) + bearer->len;
	char *line = xmalloc(size);
	memcpy(line, name, sizeof(name) - 1);
	memcpy(line + sizeof(name) - 1, secret_str(bearer), bearer->len + 1);
	int code = add_header(fetch, line, e);
	explicit_bzero(line, size);
	free(line);
	return code;
}

static int setup_headers(struct fetch *fetch, const struct fetch_request *request, struct err *e)
{
	for (size_t i = 0; request->headers != NULL && i < request->headers->len; i++) {
		if (add_caller_header(fetch, request->headers->items[i], e) < 0)
			return e->code;
	}
	if (request->bearer != NULL && secret_is_set(request->bearer) &&
		add_bearer(fetch, request->bearer, e) < 0)
		return e->code;
	/* Headers that libcurl would add by itself. */
	static const char *const unwanted[] = {"Accept", "Expect", "Content-Type"};
	for (size_t i = 0; i < ARRAY_LEN(unwanted); i++) {
		AUTO(mem_free) char *line = xasprintf("%s:", unwanted[i]);
		if (!has_header(fetch, unwanted[i]) && add_header(fetch, line, e) < 0)
			return e->code;
	}
	if (request->fresh_connection && add_header(fetch, "Connection: close", e) < 0)
		return e->code;
	curl_easy_setopt(fetch->easy, CURLOPT_HTTPHEADER, fetch->headers);
	return 0;
}

static int setup_method(struct fetch *fetch, const struct fetch_request *request, struct err *e)
{
	const char *method = request->method;
	if (method[0] == '\0')
		return err_set(e, -EINVAL, "no method");
	for (const char *c = method; *c != '\0'; c++) {
		if (!isupper((unsigned char)*c))
			return err_set(e, -EINVAL, "bad method \"%s\"", method);
	}
	bool has_body = request->body != NULL;
	if (has_body) {
		fetch->body = malloc(request->body_len + 1);
		if (fetch->body == NULL)
			return err_set(e, -ENOMEM, "%s: body", fetch->label);
		memcpy(fetch->body, request->body, request->body_len);
		fetch->body_len = request->body_len;
	}
	if (strcmp(method, "HEAD") == 0) {
		curl_easy_setopt(fetch->easy, CURLOPT_NOBODY, 1L);
		return 0;
	}
	/* These methods announce even an empty body: Content-Length: 0. */
	bool sends_length = has_body || strcmp(method, "POST") == 0 || strcmp(method, "PUT") == 0 ||
			    strcmp(method, "PATCH") == 0;
	if (sends_length) {
		curl_easy_setopt(fetch->easy, CURLOPT_POST, 1L);
		curl_easy_setopt(
			fetch->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)fetch->body_len);
		curl_easy_setopt(fetch->easy, CURLOPT_POSTFIELDS, has_body ? fetch->body : "");
	}
	curl_easy_setopt(fetch->easy, CURLOPT_CUSTOMREQUEST, method);
	return 0;
}

static int setup_trust(struct fetch *fetch, const struct fetch_request *request, struct err *e)
{
	curl_easy_setopt(fetch->easy, CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(fetch->easy, CURLOPT_SSL_VERIFYPEER, 1L);
	curl_easy_setopt(fetch->easy, CURLOPT_SSL_VERIFYHOST, 2L);
	if (request->ca_pem == NULL)
		return 0;
	struct curl_blob blob = {
		.data = (void *)(uintptr_t)request->ca_pem,
		.len = request->ca_pem_len,
		.flags = CURL_BLOB_COPY,
	};
	curl_easy_setopt(fetch->easy, CURLOPT_CAINFO, NULL);
	curl_easy_setopt(fetch->easy, CURLOPT_CAPATH, NULL);
	CURLcode code = curl_easy_setopt(fetch->easy, CURLOPT_CAINFO_BLOB, &blob);
	if (code != CURLE_OK)
		return err_set(e, -EINVAL, "%s: CA certificates: %s", fetch->label,
			curl_easy_strerror(code));
	return 0;
}

static void setup_limits(struct fetch *fetch, const struct fetch_request *request)
{
	uint32_t connect_ms = request->connect_timeout_ms;
	CURL *easy = fetch->easy;
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_PROXY, "");
	curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
		(long)(connect_ms > 0 ? connect_ms : FETCH_CONNECT_MS));
	curl_easy_setopt(easy, CURLOPT_BUFFERSIZE,
		fetch_is_stream(fetch) ? (long)STREAM_TURN_BYTES : (long)TURN_BYTES);
	curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, (long)TURN_BYTES);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, fetch->reason);
	curl_easy_setopt(easy, CURLOPT_PRIVATE, fetch);
	if (request->fresh_connection) {
		curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
		curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
	}
}

static void keep_header(struct fetch *fetch, const char *line, size_t len)
{
	/* A folded line (RFC 9112 section 5.2) is not continued, and a line without a name is not a
	 * header. */
	if (len == 0 || line[0] == ' ' || line[0] == '\t' || memchr(line, ':', len) == NULL)
		return;
	strv_push_take(&fetch->head, xstrndup(line, len));
}

/* The end of a head: of an interim one (1xx), or of the answer. */
static int head_complete(struct fetch *fetch)
{
	long status = 0;
	curl_easy_getinfo(fetch->easy, CURLINFO_RESPONSE_CODE, &status);
	if (status < 200)
		return 0;
	fetch->status = (int)status;
	fetch->has_head = true;
	return fetch_is_stream(fetch) ? fetch_stream_head(fetch) : 0;
}

/* One header line with its line end. Any other return value than size * count ends the transfer. */
static size_t header_callback(char *data, size_t size, size_t count, void *arg)
{
	struct fetch *fetch = arg;
	size_t len = size * count;
	size_t end = len;
	if (fetch->is_cancelled || fetch->failure.code != 0)
		return CURL_WRITEFUNC_ERROR;
	if (fetch->has_head) /* trailers */
		return len;
	fetch->head_bytes += len;
	if (fetch->head_bytes > FETCH_HEAD_MAX) {
		err_set(&fetch->failure, -EMSGSIZE, "%s: head of the answer exceeds %d bytes",
			fetch->label, FETCH_HEAD_MAX);
		return CURL_WRITEFUNC_ERROR;
	}
	while (end > 0 && is_blank(data[end - 1]))
		end--;
	if (end == 0)
		return head_complete(fetch) < 0 || fetch->is_cancelled ? CURL_WRITEFUNC_ERROR : len;
	if (end >= 5 && memcmp(data, "HTTP/", 5) == 0)
		strv_reset(&fetch->head);
	else
		keep_header(fetch, data, end);
	return len;
}

static size_t body_callback(char *data, size_t size, size_t count, void *arg)
{
	struct fetch *fetch = arg;
	size_t len = size * count;
	if (fetch->is_cancelled || fetch->failure.code != 0)
		return CURL_WRITEFUNC_ERROR;
	if (fetch_is_stream(fetch)) {
		if (fetch_stream_data(fetch, data, len) < 0 || fetch->is_cancelled)
			return CURL_WRITEFUNC_ERROR;
		return len;
	}
	if (buf_append(&fetch->reply, data, len, &fetch->failure) < 0) {
		err_wrap(&fetch->failure, "%s: body of the answer", fetch->label);
		return CURL_WRITEFUNC_ERROR;
	}
	return len;
}

int fetch_setup(struct fetch *fetch, const struct fetch_request *request, struct err *e)
{
	fetch->easy = curl_easy_init();
	if (fetch->easy == NULL)
		return err_set(e, -ENOMEM, "set up a request");
	fetch->label = xasprintf(
		"%s %.*s", request->method, (int)strcspn(request->url, "?#"), request->url);
	if (curl_easy_setopt(fetch->easy, CURLOPT_URL, request->url) != CURLE_OK)
		return err_set(e, -EINVAL, "bad URL");
	setup_limits(fetch, request);
	curl_easy_setopt(fetch->easy, CURLOPT_HEADERFUNCTION, header_callback);
	curl_easy_setopt(fetch->easy, CURLOPT_HEADERDATA, fetch);
	curl_easy_setopt(fetch->easy, CURLOPT_WRITEFUNCTION, body_callback);
	curl_easy_setopt(fetch->easy, CURLOPT_WRITEDATA, fetch);
	if (setup_method(fetch, request, e) < 0 || setup_address(fetch, request, e) < 0 ||
		setup_headers(fetch, request, e) < 0 || setup_trust(fetch, request, e) < 0)
		return e->code;
	const struct fetcher *f = fetch->fetcher_ref;
	if (f->extend != NULL)
		return f->extend(fetch, request, e);
	if (request->identity != NULL || request->route != NULL)
		return err_set(e, -EINVAL, "%s: identity of a client, or a route", fetch->label);
	return 0;
}

void fetch_release(struct fetch *fetch)
{
	curl_easy_cleanup(fetch->easy);
	fetch->easy = NULL;
	/* libcurl's own copies of the token (its request buffer) are out of reach. */
	for (struct curl_slist *h = fetch->headers; h != NULL; h = h->next)
		explicit_bzero(h->data, strlen(h->data));
	curl_slist_free_all(fetch->headers);
	curl_slist_free_all(fetch->connect_to);
	if (fetch->body != NULL)
		explicit_bzero(fetch->body, fetch->body_len);
	free(fetch->body);
	free(fetch->label);
}
