#include "lib/control/control.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/control/control_internal.h"
#include "lib/control/control_message.h"
#include "lib/control/control_path.h"
#include "lib/control/control_proxy.h"
#include "lib/io/fetch_http2.h"

#define SECOND_401_MS 5000
#define HOST_MAX 256
#define OWN_TAILNET "-"
#define SEGMENT_MAX 1024

static const char *or_empty(const char *text)
{
	return text != NULL ? text : "";
}

static bool is_set(const char *text)
{
	return text != NULL && text[0] != '\0';
}

static uint16_t port_of(const char *url)
{
	const char *host = strstr(url, "://") + 3;
	const char *end = host + strcspn(host, "/");
	const char *colon = memrchr(host, ':', (size_t)(end - host));
	bool is_in_address = colon != NULL && memchr(colon, ']', (size_t)(end - colon)) != NULL;
	if (colon == NULL || is_in_address)
		return str_starts(url, "https:") ? 443 : 80;
	return (uint16_t)strtoul(colon + 1, NULL, 10);
}

static int set_url(struct control *c, const struct control_options *options, struct err *e)
{
	const char *url = or_empty(options->api_url);
	char host[HOST_MAX];
	char proxy[FETCH_PROXY_MAX];
	if (fetch_url_host(url, host, sizeof(host), e) < 0)
		return err_wrap(e, "address of the API");
	if (strpbrk(url, "?#") != NULL)
		return err_set(e, -EINVAL, "address of the API: \"%s\" has more than a path", url);
	size_t len = strlen(url);
	while (len > 0 && url[len - 1] == '/')
		len--;
	c->base = xstrndup(url, len);
	if (!is_set(options->proxy) ||
		!control_proxy_is_for(options->no_proxy, host, port_of(c->base))) {
		c->host = xstrdup(host);
		return 0;
	}
	if (fetch_proxy_parse(options->proxy, proxy, host, sizeof(host), e) < 0)
		return e->code;
	c->proxy = xstrdup(proxy);
	c->host = xstrdup(host);
	return 0;
}

static int set_credential(struct control *c, const struct control_options *options, struct err *e)
{
	bool has_client = is_set(options->client_id);
	bool has_secret = options->client_secret != NULL && secret_is_set(options->client_secret);
	bool has_key = options->api_key != NULL && secret_is_set(options->api_key);
	if (has_client != has_secret || has_client == has_key)
		return err_set(
			e, -EINVAL, "credential: either a client's id and secret, or an API key");
	c->client_id = xstrdup(or_empty(options->client_id));
	if (has_client)
		secret_copy(&c->client_secret, options->client_secret);
	else
		secret_copy(&c->api_key, options->api_key);
	return 0;
}

/* API keys of Headscale work with its first API in every version, OAuth clients with the second. */
static const struct control_driver *driver_of(const struct control *c)
{
	bool is_v1 = c->kind == CONTROL_HEADSCALE && c->client_id[0] == '\0';
	return is_v1 ? &control_headscale_v1 : &control_v2;
}

static int set_options(struct control *c, const struct control_options *options, struct err *e)
{
	bool names_tailnet = is_set(options->tailnet) && c->kind == CONTROL_TAILSCALE;
	const char *tailnet = names_tailnet ? options->tailnet : OWN_TAILNET;
	AUTO(buf_fini) struct buf segment = BUF_INIT(SEGMENT_MAX);
	if (!control_path_is_segment(tailnet))
		return err_set(e, -EINVAL, "\"%.64s\" is not the name of a tailnet", tailnet);
	if (control_path_escape(&segment, tailnet, e) < 0)
		return e->code;
	c->tailnet = buf_take(&segment);
	if (set_url(c, options, e) < 0 || set_credential(c, options, e) < 0)
		return e->code;
	c->driver = driver_of(c);
	if (control_trust_init(&c->trust, options->ca_pem, e) < 0)
		return e->code;
	return control_token_init(c, e);
}

struct control *control_new(struct loop *loop, struct fetcher *fetcher, struct resolver *resolver,
	const struct control_options *options, struct err *e)
{
	struct control *c = xcalloc(1, sizeof(*c));
	c->loop_ref = loop;
	c->fetcher_ref = fetcher;
	c->resolver_ref = resolver;
	c->kind = options->kind;
	c->trust.fd = -1;
	c->name = xstrdup(or_empty(options->name));
	c->second_401_ms = options->second_401_ms > 0 ? options->second_401_ms : SECOND_401_MS;
	c->timeout_ms = options->timeout_ms > 0 ? options->timeout_ms : CONTROL_TIMEOUT_MS;
	control_limiter_init(&c->limiter, clock_now_ms());
	if (set_options(c, options, e) < 0) {
		err_wrap(e, "tailnet \"%s\"", c->name);
		control_free(c);
		return NULL;
	}
	return c;
}

void control_free(struct control *c)
{
	if (c == NULL)
		return;
	control_call_cancel_all(c);
	control_token_fini(c);
	control_trust_fini(&c->trust);
	secret_fini(&c->client_secret);
	secret_fini(&c->api_key);
	if (c->proxy != NULL)
		explicit_bzero(c->proxy, strlen(c->proxy));
	free(c->proxy);
	free(c->name);
	free(c->base);
	free(c->host);
	free(c->tailnet);
	free(c->client_id);
	free(c);
}

void control_hide_secrets(const struct control *c, char *text)
{
	control_message_hide(text, &c->client_secret);
	control_message_hide(text, &c->api_key);
	control_message_hide(text, &c->token.text);
	control_message_hide_keys(text);
}

const struct control_capabilities *control_capabilities(const struct control *c)
{
	return &c->capabilities;
}

const char *control_scope(const struct control *c, const char *operation)
{
	if (c->driver->api == CONTROL_API_HEADSCALE_V1)
		return "";
	for (int i = 0; i < CONTROL_OPERATIONS; i++) {
		if (strcmp(control_operation_name((enum control_operation)i), operation) == 0)
			return control_operation_scope((enum control_operation)i);
	}
	return "";
}

void control_set_trace(struct control *c, control_trace_fn fn, void *arg)
{
	c->trace = fn;
	c->trace_arg = arg;
}
