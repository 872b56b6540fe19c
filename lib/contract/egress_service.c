#include "lib/contract/egress_service.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/gotext.h"
#include "lib/base/json.h"
#include "lib/base/mem.h"
#include "lib/contract/egress_config.h"
#include "lib/contract/field.h"

#define ENDPOINT_MAX 2048
/* 254 bytes of a normalised name, and a leading dot, which is dropped. */
#define FQDN_MAX 255
#define QUOTED_MAX 80

/* A port and its index in the list. */
struct entry {
	struct egress_port port;
	size_t at;
};

static int read_protocol(const struct json *item, struct egress_port *port, struct err *e)
{
	const char *text = "";
	if (field_text(item, "protocol", SIZE_MAX, &text, e) < 0)
		return e->code;
	if (str_equal_fold(text, "tcp")) {
		port->proto = IPPROTO_TCP;
	} else if (str_equal_fold(text, "udp")) {
		port->proto = IPPROTO_UDP;
	} else {
		char quoted[QUOTED_MAX];
		gotext_quote(text, quoted, sizeof(quoted));
		return err_set(e, -EINVAL, "protocol: %s is neither TCP nor UDP", quoted);
	}
	memcpy(port->protocol, text, sizeof(port->protocol));
	return 0;
}

static int read_number(const struct json *item, const char *key, uint16_t *out, struct err *e)
{
	const struct json *found;
	int64_t value = 0;
	if (field_get(item, key, JSON_NUMBER, &found, e) < 0)
		return e->code;
	if (found == NULL)
		return err_set(e, -EINVAL, "%s: missing", key);
	if (!json_i64(found, &value))
		return err_set(e, -EINVAL, "%s: no whole number from 1 to 65535", key);
	if (value < 1 || value > UINT16_MAX)
		return err_set(
			e, -EINVAL, "%s: %lld is not from 1 to 65535", key, (long long)value);
	*out = (uint16_t)value;
	return 0;
}

static int read_entry(const struct json *item, struct entry *out, struct err *e)
{
	enum json_type type = json_type(item);
	if (type != JSON_OBJECT && type != JSON_NULL)
		return err_set(e, -EINVAL, ": %s where an object belongs", json_type_name(type));
	if (read_protocol(item, &out->port, e) < 0 ||
		read_number(item, "matchPort", &out->port.match, e) < 0 ||
		read_number(item, "targetPort", &out->port.target, e) < 0)
		return field_within(e, ".");
	return 0;
}

static int compare_claims(const struct egress_port *a, const struct egress_port *b)
{
	if (a->proto != b->proto)
		return a->proto < b->proto ? -1 : 1;
	return (a->match > b->match) - (a->match < b->match);
}

static int compare_entries(const void *a, const void *b)
{
	const struct entry *left = a;
	const struct entry *right = b;
	int order = compare_claims(&left->port, &right->port);
	return order != 0 ? order : (left->at > right->at) - (left->at < right->at);
}

static int two_targets(const struct entry *first, const struct entry *other, struct err *e)
{
	return err_set(e, -EINVAL,
		"ports[%zu].targetPort: %u, but ports[%zu] leads %s port %u to %u", other->at,
		other->port.target, first->at, first->port.proto == IPPROTO_TCP ? "TCP" : "UDP",
		first->port.match, first->port.target);
}

/* Sorts, drops duplicates, and finds the first entry that contradicts an earlier one. */
static int make_set(struct entry *entries, size_t *count, struct err *e)
{
	struct entry wrong = {.at = SIZE_MAX};
	struct entry wrong_first = wrong;
	size_t kept = 0;
	if (*count > 0)
		qsort(entries, *count, sizeof(*entries), compare_entries);
	for (size_t i = 0; i < *count; i++) {
		const struct entry *last = kept > 0 ? &entries[kept - 1] : NULL;
		if (last == NULL || compare_claims(&last->port, &entries[i].port) != 0) {
			entries[kept++] = entries[i];
		} else if (last->port.target != entries[i].port.target &&
			   entries[i].at < wrong.at) {
			wrong = entries[i];
			wrong_first = *last;
		}
	}
	*count = kept;
	return wrong.at == SIZE_MAX ? 0 : two_targets(&wrong_first, &wrong, e);
}

static int read_ports(const struct json *member, struct egress_service *out, struct err *e)
{
	const struct json *list;
	if (field_get(member, "ports", JSON_ARRAY, &list, e) < 0)
		return e->code;
	size_t count = 0;
	/* The limit on ports has been checked by now. */
	AUTO(mem_free) struct entry *entries = xcalloc(json_len(list) + 1, sizeof(*entries));
	for (const struct json *item = json_first(list); item != NULL; item = json_next(item)) {
		if (read_entry(item, &entries[count], e) < 0)
			return field_within(e, "ports[%zu]", count);
		entries[count].at = count;
		count++;
	}
	if (make_set(entries, &count, e) < 0)
		return e->code;
	out->ports = xcalloc(count + 1, sizeof(*out->ports));
	out->port_count = count;
	for (size_t i = 0; i < count; i++)
		out->ports[i] = entries[i].port;
	return 0;
}

/* The value is kept even if it is invalid, so that it can be shown. */
static int read_target(const struct json *member, struct egress_service *out, struct err *e)
{
	const struct json *target;
	const char *ip = "";
	const char *fqdn = "";
	if (field_get(member, "tailnetTarget", JSON_OBJECT, &target, e) < 0)
		return e->code;
	if (field_text(target, "ip", IPADDR_TEXT_MAX - 1, &ip, e) < 0 ||
		field_text(target, "fqdn", FQDN_MAX, &fqdn, e) < 0)
		return field_within(e, "tailnetTarget.");
	free(out->target_ip);
	free(out->target_fqdn);
	out->target_ip = xstrdup(ip);
	out->target_fqdn = xstrdup(fqdn);
	if (ip[0] != '\0')
		return field_address(ip, "tailnetTarget.ip", &out->ip, e);
	if (fqdn[0] == '\0')
		return err_set(e, -EINVAL,
			"unexpected egress service config- neither tailnet target IP nor FQDN is "
			"set");
	return 0;
}

static int read_endpoint(const struct json *member, struct egress_service *out, struct err *e)
{
	const char *endpoint = "";
	if (field_text(member, "healthCheckEndpoint", ENDPOINT_MAX, &endpoint, e) < 0)
		return e->code;
	free(out->health_check_endpoint);
	out->health_check_endpoint = xstrdup(endpoint);
	return 0;
}

static int read_fields(const struct json *member, struct egress_service *out, struct err *e)
{
	struct err endpoint_fault;
	enum json_type type = json_type(member);
	if (out->name[0] == '\0')
		return err_set(e, -EINVAL, "the name is empty");
	if (strlen(out->name) > EGRESS_NAME_MAX)
		return err_set(e, -EINVAL, "the name has %zu bytes, at most %d belong here",
			strlen(out->name), EGRESS_NAME_MAX);
	if (type != JSON_OBJECT && type != JSON_NULL)
		return err_set(e, -EINVAL, "%s where an object belongs", json_type_name(type));
	/* Needed even if the target is invalid: existing traffic of the service is still
	 * checked. */
	int endpoint_code = read_endpoint(member, out, &endpoint_fault);
	if (read_target(member, out, e) < 0)
		return e->code;
	if (endpoint_code < 0) {
		*e = endpoint_fault;
		return e->code;
	}
	return read_ports(member, out, e);
}

void egress_service_read(const struct json *member, struct egress_service *out)
{
	struct err e;
	*out = (struct egress_service){
		.name = xstrdup(json_key(member)),
		.health_check_endpoint = xstrdup(""),
		.target_ip = xstrdup(""),
		.target_fqdn = xstrdup(""),
	};
	if (read_fields(member, out, &e) < 0)
		out->fault = xstrdup(e.msg);
}

bool egress_service_equal(const struct egress_service *a, const struct egress_service *b)
{
	if (strcmp(a->name, b->name) != 0 ||
		strcmp(a->health_check_endpoint, b->health_check_endpoint) != 0 ||
		strcmp(a->target_ip, b->target_ip) != 0 ||
		strcmp(a->target_fqdn, b->target_fqdn) != 0 || a->port_count != b->port_count ||
		(a->fault == NULL) != (b->fault == NULL) ||
		(a->fault != NULL && strcmp(a->fault, b->fault) != 0))
		return false;
	for (size_t i = 0; i < a->port_count; i++) {
		const struct egress_port *left = &a->ports[i];
		const struct egress_port *right = &b->ports[i];
		if (compare_claims(left, right) != 0 || left->target != right->target ||
			strcmp(left->protocol, right->protocol) != 0)
			return false;
	}
	return true;
}

void egress_service_copy(struct egress_service *to, const struct egress_service *from)
{
	*to = (struct egress_service){
		.name = xstrdup(from->name),
		.health_check_endpoint = xstrdup(from->health_check_endpoint),
		.target_ip = xstrdup(from->target_ip),
		.target_fqdn = xstrdup(from->target_fqdn),
		.ip = from->ip,
		.ports = xcalloc(from->port_count + 1, sizeof(*to->ports)),
		.port_count = from->port_count,
		.fault = xstrdup(from->fault),
	};
	if (from->port_count > 0)
		memcpy(to->ports, from->ports, from->port_count * sizeof(*to->ports));
}

void egress_service_fini(struct egress_service *s)
{
	free(s->name);
	free(s->health_check_endpoint);
	free(s->target_ip);
	free(s->target_fqdn);
	free(s->ports);
	free(s->fault);
	memset(s, 0, sizeof(*s));
}
