#include "controller/cluster/egress_request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/digest.h"
#include "lib/base/gotext.h"
#include "lib/base/ipaddr.h"
#include "lib/base/mem.h"
#include "lib/kube/kube_cache.h"

#define CHILD_STEM_MAX 44
#define NAME_MAX_LEN 63 /* of a label of the DNS */
#define FQDN_MAX_LEN 253
#define QUOTED_MAX 200
#define HEALTH_PORT_LAST 10002

static const char *quote(const char *text, char out[static QUOTED_MAX])
{
	gotext_quote(text, out, QUOTED_MAX);
	return out;
}

/* Name of the annotation that counts. */
static const char *annotation_key(const struct object *o, const char *name, char out[static 64])
{
	snprintf(out, 64, "gateway.tailscale.com/%s", name);
	if (object_annotation(o, out) == NULL)
		snprintf(out, 64, "tailscale.com/%s", name);
	return out;
}

bool egress_request_is_one(const struct object_service *service)
{
	return service != NULL && strcmp(service->type, "ExternalName") == 0 &&
	       object_user_annotation(&service->meta, "proxy-group") != NULL;
}

/* Letters of one case, digits and hyphens within. */
static bool is_label(const char *text, size_t len)
{
	if (len == 0 || len > NAME_MAX_LEN || text[0] == '-' || text[len - 1] == '-')
		return false;
	for (size_t i = 0; i < len; i++) {
		if (strchr("abcdefghijklmnopqrstuvwxyz0123456789-", text[i]) == NULL)
			return false;
	}
	return true;
}

static bool is_name(const char *text)
{
	if (strlen(text) > FQDN_MAX_LEN)
		return false;
	while (true) {
		size_t len = strcspn(text, ".");
		if (!is_label(text, len))
			return false;
		if (text[len] == '\0')
			return true;
		text += len + 1;
	}
}

/* In lower case, without a final dot. */
static char *normalise(const char *fqdn)
{
	char *text = xstrdup(fqdn);
	size_t len = strlen(text);
	if (len > 1 && text[len - 1] == '.')
		text[--len] = '\0';
	for (size_t i = 0; i < len; i++) {
		if (text[i] >= 'A' && text[i] <= 'Z')
			text[i] = (char)(text[i] - 'A' + 'a');
	}
	return text;
}

static void check_group(struct egress_request *r)
{
	char key[64], quoted[QUOTED_MAX];
	annotation_key(&r->service->meta, "proxy-group", key);
	if (r->group[0] == '\0')
		strv_pushf(&r->faults,
			"annotation %s is empty: set it to the name of a TailscaleProxyGroup", key);
	else if (!is_label(r->group, strlen(r->group)))
		strv_pushf(&r->faults,
			"annotation %s: %s cannot be the name of a TailscaleProxyGroup: names "
			"consist of lower-case letters, digits and hyphens",
			key, quote(r->group, quoted));
}

static void check_fqdn(struct egress_request *r, const char *text, const char *suffix)
{
	char key[64], quoted[QUOTED_MAX];
	annotation_key(&r->service->meta, "tailnet-fqdn", key);
	quote(text, quoted);
	AUTO(mem_free) char *domain = normalise(suffix);
	size_t len = strlen(r->fqdn);
	size_t tail = strlen(domain);
	if (!is_name(r->fqdn) || strchr(r->fqdn, '.') == NULL)
		strv_pushf(&r->faults,
			"annotation %s: %s is no full DNS name: use that of the node with its "
			"domain",
			key, quoted);
	else if (tail > 0 && (len < tail + 2 || strcmp(r->fqdn + len - tail, domain) != 0 ||
				     r->fqdn[len - tail - 1] != '.'))
		strv_pushf(&r->faults,
			"annotation %s: %s is not in the tailnet of the group: use a name that "
			"ends in .%s",
			key, quoted, domain);
}

static void check_ip(struct egress_request *r, const char *text)
{
	char key[64], quoted[QUOTED_MAX];
	struct ipaddr address;
	struct err e;
	static const uint8_t nowhere[sizeof(address.bytes)];
	if (ipaddr_parse(text, &address, &e) == 0 && address.zone[0] == '\0' &&
		memcmp(address.bytes, nowhere, sizeof(nowhere)) != 0)
		return;
	strv_pushf(&r->faults,
		"annotation %s: %s is no IPv4 or IPv6 address of a node: use one of the tailnet",
		annotation_key(&r->service->meta, "tailnet-ip", key), quote(text, quoted));
}

static void read_target(struct egress_request *r, const char *suffix)
{
	const struct object *meta = &r->service->meta;
	char fqdn_key[64], ip_key[64];
	const char *fqdn = object_user_annotation(meta, "tailnet-fqdn");
	const char *ip = object_user_annotation(meta, "tailnet-ip");
	bool has_fqdn = fqdn != NULL && fqdn[0] != '\0';
	bool has_ip = ip != NULL && ip[0] != '\0';
	annotation_key(meta, "tailnet-fqdn", fqdn_key);
	annotation_key(meta, "tailnet-ip", ip_key);
	r->fqdn = has_fqdn ? normalise(fqdn) : xstrdup("");
	r->ip = xstrdup(has_ip ? ip : "");
	if (!has_fqdn && !has_ip)
		strv_pushf(&r->faults,
			"neither annotation %s nor annotation %s is set: set one of them", fqdn_key,
			ip_key);
	if (has_fqdn && has_ip)
		strv_pushf(&r->faults, "annotations %s and %s are both set: remove one of them",
			fqdn_key, ip_key);
	if (has_fqdn)
		check_fqdn(r, fqdn, suffix);
	if (has_ip)
		check_ip(r, ip);
}

/* The first port with the same number and protocol. */
static size_t first_like(const struct object_service *s, size_t at)
{
	for (size_t i = 0; i < at; i++) {
		if (s->ports[i].port == s->ports[at].port &&
			strcmp(s->ports[i].protocol, s->ports[at].protocol) == 0)
			return i;
	}
	return at;
}

static void check_port(struct egress_request *r, size_t at, const char *unnamed)
{
	const struct object_port *p = &r->service->ports[at];
	char quoted[QUOTED_MAX];
	if (strcmp(p->protocol, "TCP") != 0 && strcmp(p->protocol, "UDP") != 0)
		strv_pushf(&r->faults,
			"spec.ports[%zu].protocol: %s cannot be forwarded: use TCP or UDP", at,
			quote(p->protocol, quoted));
	if (p->port < 1 || p->port > UINT16_MAX)
		strv_pushf(&r->faults, "spec.ports[%zu].port: %lld is not from 1 to 65535", at,
			(long long)p->port);
	if (strcmp(p->name, EGRESS_HEALTH_NAME) == 0 ||
		(unnamed != NULL && strcmp(p->name, EGRESS_UNNAMED) == 0))
		strv_pushf(&r->faults, "spec.ports[%zu].name: %s is reserved: use another name", at,
			p->name);
	size_t first = first_like(r->service, at);
	if (first != at)
		strv_pushf(&r->faults,
			"spec.ports[%zu].port: %lld is that of spec.ports[%zu] too: remove one", at,
			(long long)p->port, first);
}

static void check_ports(struct egress_request *r)
{
	const struct object_service *s = r->service;
	const char *unnamed = NULL;
	if (s->port_count == 0)
		strv_push(&r->faults, "spec.ports is empty: add the ports of the target");
	if (s->port_count > EGRESS_PORTS_OF_SERVICE) {
		strv_pushf(&r->faults,
			"spec.ports has %zu ports, at most %d can be served: split the Service",
			s->port_count, EGRESS_PORTS_OF_SERVICE);
		return;
	}
	for (size_t i = 0; i < s->port_count; i++) {
		if (s->ports[i].name[0] != '\0')
			continue;
		if (unnamed != NULL)
			strv_pushf(&r->faults,
				"spec.ports[%zu].name is empty, only one port may be without a "
				"name: give it one",
				i);
		unnamed = EGRESS_UNNAMED;
	}
	for (size_t i = 0; i < s->port_count; i++)
		check_port(r, i, unnamed);
}

void egress_request_read(
	const struct kube_entry *entry, const char *suffix, struct egress_request *out)
{
	const struct object_service *service = entry->data;
	const char *group = object_user_annotation(&service->meta, "proxy-group");
	*out = (struct egress_request){
		.ns = entry->ns,
		.name = entry->name,
		.group = group != NULL ? group : "",
		.service = service,
		.key = xasprintf("%s-%s", entry->ns, entry->name),
		.child = egress_request_child(entry->ns, entry->name),
	};
	check_group(out);
	read_target(out, suffix);
	check_ports(out);
}

void egress_request_fini(struct egress_request *request)
{
	free(request->key);
	free(request->child);
	free(request->fqdn);
	free(request->ip);
	strv_fini(&request->faults);
	memset(request, 0, sizeof(*request));
}

int egress_request_compare(const void *a, const void *b)
{
	const struct egress_request *left = a;
	const struct egress_request *right = b;
	/* RFC 3339 of one form, so that the order of texts is that of times. */
	int order = strcmp(left->service->meta.created, right->service->meta.created);
	if (order == 0)
		order = strcmp(left->ns, right->ns);
	return order != 0 ? order : strcmp(left->name, right->name);
}

char *egress_request_child(const char *ns, const char *name)
{
	struct digest digest;
	AUTO(mem_free) char *path = xasprintf("%s/%s", ns, name);
	digest_of(path, strlen(path), &digest);
	return xasprintf("ts-%.*s-%02x%02x%02x%02x", CHILD_STEM_MAX, name, digest.bytes[0],
		digest.bytes[1], digest.bytes[2], digest.bytes[3]);
}

static bool has_port(const struct object_service *s, int64_t number)
{
	for (size_t i = 0; i < s->port_count; i++) {
		if (s->ports[i].port == number)
			return true;
	}
	return false;
}

uint16_t egress_request_health_port(const struct object_service *service)
{
	uint16_t number = EGRESS_HEALTH_PORT;
	while (number < HEALTH_PORT_LAST && has_port(service, number))
		number++;
	return number;
}
