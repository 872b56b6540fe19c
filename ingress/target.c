#include "ingress/target.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ingress/ingress_events.h"
#include "lib/base/ipaddr.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/nft/nft.h"

/* Names of the pairs, used when two claim one address. */
static char dest_name[] = "TS_DEST_IP";
static char via_name[] = "cluster traffic via ingress";

/* One address, paired with our own address of its family. */
struct half {
	char *text;           /* NULL without it */
	struct ipaddr own;    /* contributed last; family IPADDR_NONE = none */
	struct ipaddr stands; /* applied last */
};

struct ingress_target {
	struct half dest;      /* from our own address to it */
	struct half pod;       /* from it to our own */
	struct half pod_other; /* the same for the Pod's other family */
	bool has_ipv4;         /* whether the node had one, at the last contribution */
};

/* The Pod's address in the family other than pod_ip's; "" without one. */
static const char *other_pod_address(const struct ingress_target_options *options)
{
	struct ipaddr first;
	struct err e;
	if (ipaddr_parse(options->pod_ip, &first, &e) < 0)
		return "";
	return first.family == IPADDR_V6 ? options->pod_ipv4 : options->pod_ipv6;
}

struct ingress_target *ingress_target_new(const struct ingress_target_options *options)
{
	struct ingress_target *t = xcalloc(1, sizeof(*t));
	if (options->dest_ip[0] != '\0')
		t->dest.text = xstrdup(options->dest_ip);
	if (!options->via_ingress)
		return t;
	t->pod.text = xstrdup(options->pod_ip);
	const char *other = other_pod_address(options);
	if (other[0] != '\0')
		t->pod_other.text = xstrdup(other);
	return t;
}

void ingress_target_free(struct ingress_target *t)
{
	if (t == NULL)
		return;
	free(t->dest.text);
	free(t->pod.text);
	free(t->pod_other.text);
	free(t);
}

/* All addresses of our own, as the reference lists them. */
static void format_own(const struct nft_wanted *w, char *out, size_t size)
{
	size_t len = 0;
	out[0] = '\0';
	for (int f = 0; f < NFT_MODEL_FAMILIES; f++) {
		const struct ipaddr *own = &w->families[f].own;
		char text[IPPREFIX_TEXT_MAX];
		if (own->family == IPADDR_NONE)
			continue;
		struct ipprefix whole = ipprefix_from_addr(own);
		len += (size_t)snprintf(out + len, size - len, "%s%s", len > 0 ? " " : "",
			ipprefix_format(&whole, text));
	}
}

static int no_own_address(const struct nft_wanted *w, const char *text, struct err *e)
{
	char own[NFT_MODEL_FAMILIES * IPPREFIX_TEXT_MAX + 1];
	format_own(w, own, sizeof(own));
	return err_set(e, -EADDRNOTAVAIL, "no tailscale IP matching family of %s found in [%s]",
		text, own);
}

/* Adds the pair of one half. */
static int contribute(struct half *h, bool is_dest, struct nft_wanted *w, struct err *e)
{
	struct nft_pair pair = {.service = is_dest ? dest_name : via_name};
	struct ipaddr address;
	h->own = (struct ipaddr){0};
	if (h->text == NULL)
		return 0;
	if (ipaddr_parse(h->text, &address, e) < 0)
		return e->code;
	const struct ipaddr *own = &w->families[nft_model_family_of(&address)].own;
	if (own->family == IPADDR_NONE)
		return no_own_address(w, h->text, e);
	pair.from = is_dest ? *own : address;
	pair.to = is_dest ? address : *own;
	if (nft_wanted_add_pair(w, &pair, e) < 0)
		return e->code;
	h->own = *own;
	return 0;
}

int ingress_target_contribute(struct ingress_target *t, struct nft_wanted *w, struct err *e)
{
	struct err first = {0};
	struct err second = {0};
	t->has_ipv4 = w->families[NFT_MODEL_V4].own.family != IPADDR_NONE;
	contribute(&t->dest, true, w, &first);
	contribute(&t->pod, false, w, &second);
	/* That family was not requested as such: without it there is nothing to do. */
	struct err other = {0};
	contribute(&t->pod_other, false, w, &other);
	if (first.code == 0 && second.code == 0)
		return 0;
	*e = first.code < 0 ? first : second;
	return e->code;
}

/* True when it is in force for the first time, or for another own address. */
static bool is_news(struct half *h)
{
	bool is_same = h->own.family == h->stands.family && ipaddr_equal(&h->own, &h->stands);
	h->stands = h->own;
	return !is_same && h->own.family != IPADDR_NONE;
}

void ingress_target_applied(
	struct ingress_target *t, const struct nft_result *result, const struct err *e)
{
	(void)e;
	if (result->code < 0)
		return;
	if (is_news(&t->dest)) {
		log_event(EV_INGRESS_TARGET);
		if (t->has_ipv4 && t->dest.own.family == IPADDR_V6)
			log_event(EV_INGRESS_TARGET_IPV6);
	}
	if (is_news(&t->pod))
		log_event(EV_INGRESS_VIA, t->pod.text);
	if (is_news(&t->pod_other))
		log_event(EV_INGRESS_VIA, t->pod_other.text);
}
