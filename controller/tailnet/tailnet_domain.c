#include "controller/tailnet/tailnet_domain.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/str.h"

void tailnet_domain_of(const char *name, char out[TAILNET_DOMAIN_MAX])
{
	out[0] = '\0';
	const char *dot = strchr(name, '.');
	if (dot == NULL)
		return;
	size_t len = strlen(dot + 1);
	if (len > 0 && dot[len] == '.')
		len--;
	if (len >= TAILNET_DOMAIN_MAX)
		return;
	memcpy(out, dot + 1, len);
	out[len] = '\0';
}

/* Ids are decimal numbers, or texts of one length. */
static bool is_less(const char *a, const char *b)
{
	size_t left = strlen(a), right = strlen(b);
	return left != right ? left < right : strcmp(a, b) < 0;
}

void tailnet_domains_add(struct tailnet_domains *d, const char *name, const char *id)
{
	char domain[TAILNET_DOMAIN_MAX];
	tailnet_domain_of(name, domain);
	if (domain[0] == '\0')
		return;
	size_t i = 0;
	while (i < d->len && strcmp(d->items[i].domain, domain) != 0)
		i++;
	if (i == TAILNET_DOMAINS)
		return;
	struct tailnet_domain_count *item = &d->items[i];
	if (i == d->len) {
		d->len++;
		memcpy(item->domain, domain, sizeof(domain));
	}
	item->devices++;
	if (item->first_id[0] == '\0' || is_less(id, item->first_id))
		snprintf(item->first_id, sizeof(item->first_id), "%s", id);
}

const char *tailnet_domains_best(const struct tailnet_domains *d)
{
	const struct tailnet_domain_count *best = NULL;
	for (size_t i = 0; i < d->len; i++) {
		const struct tailnet_domain_count *item = &d->items[i];
		if (best == NULL || item->devices > best->devices ||
			(item->devices == best->devices && is_less(item->first_id, best->first_id)))
			best = item;
	}
	return best != NULL ? best->domain : "";
}

const char *tailnet_organization(const char *domain)
{
	if (domain[0] == '\0')
		return "";
	return str_starts(domain, "tail") && str_ends(domain, ".ts.net") ? "Personal"
									 : "Organization";
}
