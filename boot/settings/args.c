#include "boot/settings/args.h"

#include <string.h>

#include "boot/settings/settings.h"
#include "lib/base/mem.h"

static void push_if_set(struct strv *out, const char *flag, const char *value)
{
	if (*value != '\0')
		strv_pushf(out, "%s%s", flag, value);
}

/* Not by printf, which may leave copies behind. */
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

void args_tailscaled(const struct settings *s, struct strv *out)
{
	strv_pushf(out, "--socket=%s", s->socket);
	push_state(s, out);
	if (s->userspace)
		strv_push(out, "--tun=userspace-networking");
	push_if_set(out, "--socks5-server=", s->socks5_server);
	push_if_set(out, "--outbound-http-proxy-listen=", s->outbound_http_proxy_listen);
	push_if_set(out, "--config=", s->config_path);
	/* The operator passes the address in both variables for older versions of the reference. */
	if (strstr(s->tailscaled_extra_args, s->debug_addr_port) == NULL)
		push_if_set(out, "--debug=", s->debug_addr_port);
	str_words(s->tailscaled_extra_args, out);
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

bool args_tailscaled_env(const struct settings *s, char *const *env_ref, struct strv *out)
{
	static const char name[] = "TS_CERT_SHARE_MODE=";
	if (s->cert_share == CERT_SHARE_OFF)
		return false;
	for (; *env_ref != NULL; env_ref++) {
		/* The last of two would win in the daemon, but the first in other programs. */
		if (!str_starts(*env_ref, name))
			strv_push(out, *env_ref);
	}
	strv_pushf(out, "%s%s", name, s->cert_share == CERT_SHARE_READ_WRITE ? "rw" : "ro");
	return true;
}
