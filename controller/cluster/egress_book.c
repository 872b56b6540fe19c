#include "controller/cluster/egress_book.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "controller/cluster/egress_ports.h"
#include "lib/base/digest.h"
#include "lib/base/mem.h"
#include "lib/kube/kube_cache.h"

/* A number at work. */
struct owner {
	const char *child; /* the first Service that has it; NULL without one */
	bool is_shared;    /* another one has it too, which is not ours to do */
};

struct work {
	const struct egress_book_view *view;
	struct egress_ports ports;
	struct owner owners[EGRESS_PORTS_COUNT];
	uint16_t **numbers; /* by request and port; 0 = none yet */
};

static uint8_t proto_of(const char *protocol)
{
	return strcmp(protocol, "UDP") == 0 ? IPPROTO_UDP : IPPROTO_TCP;
}

uint16_t egress_book_number(const struct egress_service *entry, const struct object_port *port)
{
	for (size_t i = 0; i < entry->port_count; i++) {
		if (entry->ports[i].target == port->port &&
			entry->ports[i].proto == proto_of(port->protocol))
			return entry->ports[i].match;
	}
	return 0;
}

static void read_owners(struct work *w)
{
	for (size_t i = 0; i < w->view->child_count; i++) {
		const struct kube_entry *child = w->view->children[i];
		const struct object_service *service = child->data;
		for (size_t p = 0; p < service->port_count; p++) {
			if (!egress_ports_has(service->ports[p].target))
				continue;
			struct owner *owner =
				&w->owners[service->ports[p].target - EGRESS_PORTS_FIRST];
			owner->is_shared = owner->child != NULL;
			owner->child = child->name;
		}
	}
}

/* A number that another Service still has is not to be given out, whatever the ConfigMap says. */
static bool claim(struct work *w, size_t request, size_t port, int64_t number)
{
	if (!egress_ports_has(number))
		return false;
	const struct owner *owner = &w->owners[number - EGRESS_PORTS_FIRST];
	if (owner->child != NULL && !owner->is_shared &&
		strcmp(owner->child, w->view->requests[request]->child) != 0)
		return false;
	if (!egress_ports_claim(&w->ports, number))
		return false;
	w->numbers[request][port] = (uint16_t)number;
	return true;
}

static void claim_written(struct work *w)
{
	for (size_t i = 0; w->view->written != NULL && i < w->view->request_count; i++) {
		const struct egress_request *r = w->view->requests[i];
		const struct egress_service *entry = egress_config_find(w->view->written, r->key);
		for (size_t p = 0; entry != NULL && p < r->service->port_count; p++)
			claim(w, i, p, egress_book_number(entry, &r->service->ports[p]));
	}
}

static const struct object_service *child_of(const struct work *w, const char *name)
{
	for (size_t i = 0; i < w->view->child_count; i++) {
		if (strcmp(w->view->children[i]->name, name) == 0)
			return w->view->children[i]->data;
	}
	return NULL;
}

static int64_t number_in(const struct object_service *child, const struct object_port *port)
{
	for (size_t i = 0; i < child->port_count; i++) {
		if (child->ports[i].port == port->port &&
			strcmp(child->ports[i].protocol, port->protocol) == 0)
			return child->ports[i].target;
	}
	return 0;
}

static void claim_repeated(struct work *w)
{
	for (size_t i = 0; i < w->view->request_count; i++) {
		const struct egress_request *r = w->view->requests[i];
		const struct object_service *child = NULL;
		for (size_t p = 0; p < r->service->port_count; p++) {
			if (w->numbers[i][p] != 0)
				continue;
			if (child == NULL && (child = child_of(w, r->child)) == NULL)
				break;
			claim(w, i, p, number_in(child, &r->service->ports[p]));
		}
	}
}

/* What Services have that are not or no longer asked for. */
static void reserve_others(struct work *w)
{
	for (size_t i = 0; i < EGRESS_PORTS_COUNT; i++) {
		if (w->owners[i].child != NULL)
			egress_ports_claim(&w->ports, EGRESS_PORTS_FIRST + (int64_t)i);
	}
}

static void refuse(struct work *w, size_t request, size_t missing, struct egress_book *out)
{
	const struct egress_request *r = w->view->requests[request];
	strv_push(&out->refused, r->key);
	strv_pushf(&out->refused,
		"TailscaleProxyGroup %s: %zu of its %d ports are free, and %zu more are needed: use "
		"another group, or remove Services from it",
		w->view->group, EGRESS_PORTS_COUNT - w->ports.used, EGRESS_PORTS_COUNT, missing);
	for (size_t p = 0; p < r->service->port_count; p++) {
		int64_t number = w->numbers[request][p];
		if (egress_ports_has(number) &&
			w->owners[number - EGRESS_PORTS_FIRST].child == NULL)
			egress_ports_release(&w->ports, number);
	}
}

static int compare_ports(const void *a, const void *b)
{
	const struct egress_port *left = a;
	const struct egress_port *right = b;
	if (left->proto != right->proto)
		return left->proto < right->proto ? -1 : 1;
	return (left->match > right->match) - (left->match < right->match);
}

static void add_entry(struct work *w, size_t request, struct egress_book *out)
{
	const struct egress_request *r = w->view->requests[request];
	struct egress_service *entry = &out->config.services[out->config.count++];
	*entry = (struct egress_service){
		.name = xstrdup(r->key),
		.health_check_endpoint = xasprintf("http://%s.%s.svc.%s:%u/healthz", r->child,
			w->view->ns, w->view->domain, egress_request_health_port(r->service)),
		.target_ip = xstrdup(r->ip),
		.target_fqdn = xstrdup(r->fqdn),
		.ports = xcalloc(r->service->port_count + 1, sizeof(*entry->ports)),
		.port_count = r->service->port_count,
	};
	for (size_t p = 0; p < r->service->port_count; p++) {
		const struct object_port *port = &r->service->ports[p];
		entry->ports[p] = (struct egress_port){
			.proto = proto_of(port->protocol),
			.match = w->numbers[request][p],
			.target = (uint16_t)port->port,
		};
		snprintf(entry->ports[p].protocol, sizeof(entry->ports[p].protocol), "%s",
			port->protocol);
	}
	qsort(entry->ports, entry->port_count, sizeof(*entry->ports), compare_ports);
}

/* All ports of a request or none. */
static void give_out(struct work *w, size_t request, struct egress_book *out)
{
	const struct egress_request *r = w->view->requests[request];
	AUTO(mem_free) char *service = xasprintf("%s/%s", r->ns, r->name);
	size_t missing = 0;
	for (size_t p = 0; p < r->service->port_count; p++)
		missing += w->numbers[request][p] == 0;
	if (missing > EGRESS_PORTS_COUNT - w->ports.used) {
		refuse(w, request, missing, out);
		return;
	}
	for (size_t p = 0; p < r->service->port_count; p++) {
		const struct object_port *port = &r->service->ports[p];
		if (w->numbers[request][p] == 0)
			w->numbers[request][p] =
				egress_ports_find(&w->ports, service, port->port, port->protocol);
	}
	add_entry(w, request, out);
}

static int compare_names(const void *a, const void *b)
{
	const struct egress_service *left = a;
	const struct egress_service *right = b;
	return strcmp(left->name, right->name);
}

void egress_book_make(const struct egress_book_view *view, struct egress_book *out)
{
	AUTO(mem_free) struct work *w = xcalloc(1, sizeof(*w));
	w->view = view;
	w->numbers = xcalloc(view->request_count + 1, sizeof(uint16_t *));
	for (size_t i = 0; i < view->request_count; i++)
		w->numbers[i] =
			xcalloc(view->requests[i]->service->port_count + 1, sizeof(uint16_t));
	*out = (struct egress_book){0};
	out->config.services = xcalloc(view->request_count + 1, sizeof(*out->config.services));
	read_owners(w);
	claim_written(w);
	claim_repeated(w);
	reserve_others(w);
	for (size_t i = 0; i < view->request_count; i++)
		give_out(w, i, out);
	qsort(out->config.services, out->config.count, sizeof(*out->config.services),
		compare_names);
	for (size_t i = 0; i < view->request_count; i++)
		free(w->numbers[i]);
	free(w->numbers);
}

void egress_book_fini(struct egress_book *book)
{
	egress_config_fini(&book->config);
	strv_fini(&book->refused);
}

const char *egress_book_refusal(const struct egress_book *book, const char *key)
{
	for (size_t i = 0; i + 1 < book->refused.len; i += 2) {
		if (strcmp(book->refused.items[i], key) == 0)
			return book->refused.items[i + 1];
	}
	return NULL;
}

char *egress_book_hash(const struct egress_service *entry)
{
	struct digest digest;
	AUTO(mem_free) char *text = egress_config_print(entry, 1);
	digest_of(text, strlen(text), &digest);
	char *out = xmalloc(2 * DIGEST_BYTES + 1);
	for (size_t i = 0; i < DIGEST_BYTES; i++)
		snprintf(out + 2 * i, 3, "%02x", digest.bytes[i]);
	return out;
}

bool egress_book_serves(const struct egress_service *entry, const struct egress_request *request)
{
	if (entry->fault != NULL || strcmp(entry->target_ip, request->ip) != 0 ||
		strcmp(entry->target_fqdn, request->fqdn) != 0 ||
		entry->port_count != request->service->port_count)
		return false;
	for (size_t i = 0; i < request->service->port_count; i++) {
		if (egress_book_number(entry, &request->service->ports[i]) == 0)
			return false;
	}
	return true;
}
