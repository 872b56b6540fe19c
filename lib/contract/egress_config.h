/*
 * The document `egress-services`: which cluster ports lead to which targets in the tailnet, as an
 * operator mounts it, and `hep-pings` beside it. Pure: text in, plain data out.
 *
 * A fault affects only its own service, which is kept with a sentence that describes it; the
 * others are valid. Only a text that is not a JSON object fails as a whole. A controller prints
 * the document.
 *
 *	AUTO(egress_config_fini) struct egress_config config = {0};
 *	if (egress_config_parse(text, len, &config, e) < 0)
 *		the document is unusable
 */
#ifndef LIB_CONTRACT_EGRESS_CONFIG_H
#define LIB_CONTRACT_EGRESS_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/base/ipaddr.h"

/* Names of the files in the directory. */
#define EGRESS_CONFIG_FILE "egress-services"
#define EGRESS_PINGS_FILE "hep-pings"

/* Limits of a document; exceeding them is a fault, nothing is truncated silently. */
#define EGRESS_SERVICES_MAX 10000
#define EGRESS_PORTS_MAX 65536 /* of all services together */
#define EGRESS_NAME_MAX 253
#define EGRESS_PINGS_MAX 1000

struct json;

struct egress_port {
	char protocol[4]; /* as written: "TCP", "udp"; the status repeats it */
	uint8_t proto;    /* IPPROTO_TCP or IPPROTO_UDP */
	uint16_t match;
	uint16_t target;
};

struct egress_service {
	char *name;
	char *health_check_endpoint; /* "" without one */
	char *target_ip;             /* as written, "" without one; preferred to target_fqdn */
	char *target_fqdn;           /* as written, "" without one */
	struct ipaddr ip;            /* target_ip; family IPADDR_NONE without one */
	struct egress_port *ports;   /* a set: sorted by proto, match, target; no duplicates */
	size_t port_count;
	char *fault; /* NULL, or what is wrong, naming the field: "ports[3].matchPort: …" */
};

struct egress_config {
	struct egress_service *services; /* sorted by name, bytewise; names are unique */
	size_t count;
};

/* An empty text is a document without services. Replaces *out; unchanged on failure. -EINVAL with
 * line and column, or the reason; -EMSGSIZE above the limits. */
int egress_config_parse(
	const char *text, size_t len, struct egress_config *out, struct err *e) MUST_CHECK;
/* The same for a document that has been parsed; NULL is one without services. */
int egress_config_read(const struct json *doc, struct egress_config *out, struct err *e) MUST_CHECK;
void egress_config_fini(struct egress_config *c);
/* Compact JSON of the services in their order, "{}" without one. Faults are not printed. Caller
 * frees. */
char *egress_config_print(const struct egress_service *services, size_t count);
/* NULL when there is no service of this name. */
const struct egress_service *egress_config_find(const struct egress_config *c, const char *name);
bool egress_service_equal(const struct egress_service *a, const struct egress_service *b);
/* Deep; to is overwritten, not freed. */
void egress_service_copy(struct egress_service *to, const struct egress_service *from);
void egress_service_fini(struct egress_service *s);

/* Decimal text, optionally surrounded by white space; empty = 0, negative = 0. -EINVAL,
 * -ERANGE. */
int egress_pings_parse(const char *text, size_t len, uint32_t *out, struct err *e) MUST_CHECK;

#endif
