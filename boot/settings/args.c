#include "boot/settings/args.h"

#include <string.h>

#include "boot/settings/settings.h"
#include "lib/base/mem.h"

static void push_if_set(struct strv *out, const char *flag, const char *value)
{
	if (*value != '\0')
		strv_pushf(out, "%s%s", flag, value);
}

/* Not with printf, which may leave copies in memory. */
static void push_secret(struct strv *out, const char *flag, const struct secret *value)
{
	if (!secret_is_set(value))
		return;
	size_t flag_len = strlen(flag);
	char *text = xmalloc(flag_len + value->len + 1);
	memcpy(text, flag, flag_len);
	memcpy(text + flag_len, value->data, value->len);
	text[flag_len + value->len] = '\0';
	strv_push_take(out, text);
}

static void push_state(const struct settings *s, struct strv *out)
{
	if (*s->kube_secret != '\0') {
		strv_pushf(out, "--state=kube:%s", s->kube_secret);
		strv_pushf(out, "--statedir=%s", *s->state_dir != '\0' ? s->state_dir : "/tmp");
	} else if (*s->state_dir != '\0') {
		strv_pushf(out, "--statedir=%s", s->state_dir);
	} else {
		strv_push(out, "--state=mem:");
		strv_push(out, "--statedir=/tmp");
	}
}

/* The offset in a word at which the value of an address:port flag begins, 0 for other words. */
static size_t address_begins(const char *word)
{
	static const char *const names[] = {
		"debug=", "socks5-server=", "outbound-http-proxy-listen="};
	size_t dashes = strspn(word, "-");
	if (dashes != 1 && dashes != 2)
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (str_starts(word + dashes, names[i]))
			return dashes + strlen(names[i]);
	}
	return 0;
}

/* The operator writes "--debug=$(POD_IP):9001"; tailscaled refuses an IPv6 address without its
 * brackets. */
static void extra_words(const char *text, struct strv *out)
{
	AUTO(strv_fini) struct strv words = {0};
	str_words(text, &words);
	for (size_t i = 0; i < words.len; i++) {
		size_t begin = address_begins(words.items[i]);
		AUTO(mem_free) char *value = addrport_bracket(words.items[i] + begin);
		if (begin > 0)
			strv_pushf(out, "%.*s%s", (int)begin, words.items[i], value);
		else
			strv_push(out, words.items[i]);
	}
}

static bool is_mentioned(const struct strv *words, const char *text)
{
	for (size_t i = 0; i < words->len; i++) {
		if (strstr(words->items[i], text) != NULL)
			return true;
	}
	return false;
}

void args_tailscaled(const struct settings *s, const char *config_path, struct strv *out)
{
	strv_pushf(out, "--socket=%s", s->socket);
	push_state(s, out);
	if (s->userspace)
		strv_push(out, "--tun=userspace-networking");
	push_if_set(out, "--socks5-server=", s->socks5_server);
	push_if_set(out, "--outbound-http-proxy-listen=", s->outbound_http_proxy_listen);
	push_if_set(out, "--config=", config_path);
	AUTO(strv_fini) struct strv extra = {0};
	extra_words(s->tailscaled_extra_args, &extra);
	/* The operator passes the address in both variables for older versions of the reference. */
	if (!is_mentioned(&extra, s->debug_addr_port))
		push_if_set(out, "--debug=", s->debug_addr_port);
	for (size_t i = 0; i < extra.len; i++)
		strv_push(out, extra.items[i]);
}

static void push_accept_dns(const struct settings *s, struct strv *out)
{
	bool accept = s->accept_dns == OPT_BOOL_TRUE;
	strv_push(out, accept ? "--accept-dns=true" : "--accept-dns=false");
}

static void push_routes_and_hostname(const struct settings *s, struct strv *out)
{
	/* An empty list withdraws what an earlier start has advertised. */
	if (s->routes.is_set)
		strv_pushf(out, "--advertise-routes=%s", s->routes.text);
	push_if_set(out, "--hostname=", s->hostname);
}

void args_tailscale_up(
	const struct settings *s, const struct secret *stored_authkey, struct strv *out)
{
	strv_pushf(out, "--socket=%s", s->socket);
	strv_push(out, "up");
	push_accept_dns(s, out);
	if (secret_is_set(&s->authkey))
		push_secret(out, "--authkey=", &s->authkey);
	else if (stored_authkey != NULL)
		push_secret(out, "--authkey=", stored_authkey);
	push_if_set(out, "--client-id=", s->client_id);
	push_secret(out, "--client-secret=", &s->client_secret);
	push_secret(out, "--id-token=", &s->id_token);
	push_if_set(out, "--audience=", s->audience);
	push_routes_and_hostname(s, out);
	str_words(s->extra_args, out);
}

void args_tailscale_set(const struct settings *s, struct strv *out)
{
	strv_pushf(out, "--socket=%s", s->socket);
	strv_push(out, "set");
	push_accept_dns(s, out);
	push_routes_and_hostname(s, out);
}

static bool has_value(char *const *env, const char *name)
{
	for (; *env != NULL; env++) {
		if (str_starts(*env, name) && (*env)[strlen(name)] != '\0')
			return true;
	}
	return false;
}

bool args_tailscaled_env(const struct settings *s, char *const *env_ref, struct strv *out)
{
	static const char share[] = "TS_CERT_SHARE_MODE=";
	static const char everywhere[] = "TS_SERVE_ALLOW_ALL_INTERFACES=";
	bool sets_share = s->cert_share != CERT_SHARE_OFF;
	/* An explicit "no" of the user is respected. */
	bool sets_everywhere =
		s->proxy_cluster_traffic_via_ingress && !has_value(env_ref, everywhere);
	if (!sets_share && !sets_everywhere)
		return false;
	for (; *env_ref != NULL; env_ref++) {
		/* The last of two would win in the daemon, but the first in other programs. */
		if (!(sets_share && str_starts(*env_ref, share)) &&
			!(sets_everywhere && str_starts(*env_ref, everywhere)))
			strv_push(out, *env_ref);
	}
	if (sets_share)
		strv_pushf(
			out, "%s%s", share, s->cert_share == CERT_SHARE_READ_WRITE ? "rw" : "ro");
	if (sets_everywhere)
		strv_pushf(out, "%strue", everywhere);
	return true;
}
