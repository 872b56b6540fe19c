#include "egress/target.h"

#include <errno.h>
#include <stdlib.h>

#include "egress/egress_conditions.h"
#include "egress/egress_events.h"
#include "egress/reach.h"
#include "lib/base/condition.h"
#include "lib/base/gotext.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/nft/nft.h"

#define QUOTED_MAX 512

struct egress_target {
	struct condition_set *conditions_ref;
	char *ip;                      /* NULL = by name */
	char *fqdn;                    /* NULL = by address */
	struct nft_addresses asked;    /* contributed last */
	struct nft_addresses standing; /* what the kernel holds */
	struct nft_addresses logged;   /* logged last, and for which own addresses */
	struct ipaddr logged_own[NFT_MODEL_FAMILIES];
};

static bool is_given(const char *text)
{
	return text != NULL && text[0] != '\0';
}

struct egress_target *egress_target_new(
	struct condition_set *conditions, const struct egress_target_options *options)
{
	struct egress_target *t = xcalloc(1, sizeof(*t));
	t->conditions_ref = conditions;
	if (is_given(options->ip))
		t->ip = xstrdup(options->ip);
	else if (is_given(options->fqdn))
		t->fqdn = xstrdup(options->fqdn);
	return t;
}

void egress_target_free(struct egress_target *t)
{
	if (t == NULL)
		return;
	nft_addresses_fini(&t->asked);
	nft_addresses_fini(&t->standing);
	nft_addresses_fini(&t->logged);
	free(t->ip);
	free(t->fqdn);
	free(t);
}

void egress_target_wants(const struct egress_target *t, const struct records *records,
	struct strv *names, struct nft_addresses *routes)
{
	if (t->fqdn != NULL)
		egress_resolve_wants(t->fqdn, records, names, routes);
}

static void copy_addresses(struct nft_addresses *to, const struct nft_addresses *from)
{
	to->len = 0;
	for (size_t i = 0; i < from->len; i++)
		nft_addresses_add(to, &from->items[i]);
}

/* All addresses of the target. */
static int find(const struct egress_target *t, const struct egress_netmap *netmap,
	struct nft_addresses *found, struct err *e)
{
	char quoted[QUOTED_MAX];
	struct ipaddr ip;
	if (t->ip != NULL) {
		if (ipaddr_parse(t->ip, &ip, e) < 0)
			return e->code;
		nft_addresses_add(found, &ip);
		return 0;
	}
	if (t->fqdn == NULL)
		return err_set(e, -EINVAL, "there is neither an address nor a name of a target");
	int code = egress_resolve(t->fqdn, netmap, found, e);
	if (code == 0 && found->len == 0) {
		gotext_quote(t->fqdn, quoted, sizeof(quoted));
		code = err_set(e, -ENOENT, "tailnet target %s does not have any backend addresses",
			quoted);
	}
	if (code < 0 && (netmap->is_known || code != -ENOENT))
		condition_raise(t->conditions_ref, CONDITION_EGRESS_TARGET_UNKNOWN, "%s", e->msg);
	if (code < 0)
		e->code = -EAGAIN;
	return code < 0 ? -EAGAIN : 0;
}

/* The sentence for a target without a reachable address; e has the first reason. */
static int refuse(const struct egress_target *t, const struct nft_wanted *w,
	const struct nft_addresses *found, struct err *e)
{
	char list[REACH_LIST_MAX];
	const char *has_ipv6 = w->families[NFT_MODEL_V6].is_enabled ? "true" : "false";
	if (e->code != -EAFNOSUPPORT)
		return e->code;
	if (t->ip != NULL)
		return err_set(e, -EAFNOSUPPORT,
			"no tailscale IP matching family of %s found in %s, host supports IPv6: %s",
			t->ip, reach_format_own(w, list), has_ipv6);
	return err_set(e, -EAFNOSUPPORT,
		"no forwarding rules for egress addresses %s, host supports IPv6: %s",
		reach_format(found, list), has_ipv6);
}

static bool is_logged(const struct egress_target *t, const struct nft_wanted *w)
{
	if (t->logged.len != t->asked.len)
		return false;
	for (size_t i = 0; i < t->logged.len; i++) {
		if (!ipaddr_equal(&t->logged.items[i], &t->asked.items[i]))
			return false;
	}
	for (int f = 0; f < NFT_MODEL_FAMILIES; f++) {
		if (!ipaddr_equal(&t->logged_own[f], &w->families[f].own))
			return false;
	}
	return true;
}

static void log_target(struct egress_target *t, const struct nft_wanted *w)
{
	char text[IPADDR_TEXT_MAX];
	if (is_logged(t, w))
		return;
	for (size_t i = 0; i < t->asked.len; i++)
		log_event(EV_EGRESS_INSTALLING, ipaddr_format(&t->asked.items[i], text));
	copy_addresses(&t->logged, &t->asked);
	for (int f = 0; f < NFT_MODEL_FAMILIES; f++)
		t->logged_own[f] = w->families[f].own;
}

static int add(const struct nft_addresses *list, struct nft_wanted *w, struct err *e)
{
	for (size_t i = 0; i < list->len; i++) {
		if (nft_wanted_set_catch_all(w, &list->items[i], e) < 0)
			return e->code;
	}
	return 0;
}

/* The last targets stay in use, as far as the node can still reach them. */
static void add_standing(struct egress_target *t, struct nft_wanted *w)
{
	struct err unused;
	t->asked.len = 0;
	(void)reach_pick(w, &t->standing, &t->asked, &unused);
	(void)!add(&t->asked, w, &unused);
}

int egress_target_contribute(struct egress_target *t, const struct egress_netmap *netmap,
	struct nft_wanted *w, struct err *e)
{
	struct nft_addresses found = {0};
	int code = find(t, netmap, &found, e);
	if (code == 0) {
		t->asked.len = 0;
		(void)reach_pick(w, &found, &t->asked, e);
		code = t->asked.len == 0 ? refuse(t, w, &found, e) : add(&t->asked, w, e);
	}
	nft_addresses_fini(&found);
	if (code < 0) {
		add_standing(t, w);
		return code;
	}
	condition_clear(t->conditions_ref, CONDITION_EGRESS_TARGET_UNKNOWN);
	log_target(t, w);
	return 0;
}

void egress_target_applied(
	struct egress_target *t, const struct nft_result *result, const struct err *e)
{
	(void)e; /* the firewall's own condition */
	if (result->code == 0)
		copy_addresses(&t->standing, &t->asked);
}
