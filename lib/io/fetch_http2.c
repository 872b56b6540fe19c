#include "lib/io/fetch_http2.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "lib/io/fetch_internal.h"

#define KEEPALIVE_IDLE_S 15
#define KEEPALIVE_INTERVAL_S 10

/* The socket works without the option, only later to be found dead. */
static int prepare_socket(void *arg, curl_socket_t fd, curlsocktype purpose)
{
	unsigned int limit_ms = FETCH_HTTP2_DEAD_MS;
	(void)arg;
	(void)purpose;
	(void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &limit_ms, sizeof(limit_ms));
	return CURL_SOCKOPT_OK;
}

static int set_blob(
	struct fetch *fetch, CURLoption option, const char *data, size_t len, struct err *e)
{
	struct curl_blob blob = {
		.data = (void *)(uintptr_t)data,
		.len = len,
		.flags = CURL_BLOB_COPY,
	};
	CURLcode code = curl_easy_setopt(fetch->easy, option, &blob);
	if (code != CURLE_OK)
		return err_set(e, -EINVAL, "%s: client certificate: %s", fetch->label,
			curl_easy_strerror(code));
	return 0;
}

static int setup_identity(struct fetch *fetch, const struct fetch_identity *identity, struct err *e)
{
	if (identity->is_unverified) {
		curl_easy_setopt(fetch->easy, CURLOPT_SSL_VERIFYPEER, 0L);
		curl_easy_setopt(fetch->easy, CURLOPT_SSL_VERIFYHOST, 0L);
	}
	if (identity->certificate_pem == NULL)
		return 0;
	if (set_blob(fetch, CURLOPT_SSLCERT_BLOB, identity->certificate_pem,
		    identity->certificate_len, e) < 0)
		return e->code;
	return set_blob(
		fetch, CURLOPT_SSLKEY_BLOB, secret_str(identity->key), identity->key->len, e);
}

static int extend(struct fetch *fetch, const struct fetch_request *request, struct err *e)
{
	curl_easy_setopt(fetch->easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_2TLS);
	curl_easy_setopt(fetch->easy, CURLOPT_PIPEWAIT, 1L);
	curl_easy_setopt(fetch->easy, CURLOPT_TCP_KEEPALIVE, 1L);
	curl_easy_setopt(fetch->easy, CURLOPT_TCP_KEEPIDLE, (long)KEEPALIVE_IDLE_S);
	curl_easy_setopt(fetch->easy, CURLOPT_TCP_KEEPINTVL, (long)KEEPALIVE_INTERVAL_S);
	curl_easy_setopt(fetch->easy, CURLOPT_SOCKOPTFUNCTION, prepare_socket);
	if (request->route != NULL && fetch_route_setup(fetch, request, e) < 0)
		return e->code;
	return request->identity != NULL ? setup_identity(fetch, request->identity, e) : 0;
}

struct fetcher *fetch_http2_new(struct loop *loop, struct err *e)
{
	struct fetcher *f = fetcher_new(loop, e);
	if (f == NULL)
		return NULL;
	f->extend = extend;
	curl_multi_setopt(f->multi, CURLMOPT_PIPELINING, CURLPIPE_MULTIPLEX);
	return f;
}
