#include "lib/contract/egress_config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/gotext.h"
#include "lib/base/json.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/contract/egress_service.h"
#include "lib/contract/field.h"
#include "lib/contract/status_text.h"

#define PINGS_TEXT_MAX 64

static int compare_names(const void *a, const void *b)
{
	const struct egress_service *left = a;
	const struct egress_service *right = b;
	return strcmp(left->name, right->name);
}

static int check_bounds(const struct json *doc, struct err *e)
{
	size_t count = json_len(doc);
	size_t ports = 0;
	if (count > EGRESS_SERVICES_MAX)
		return err_set(e, -EMSGSIZE, "%zu services, at most %d can be served", count,
			EGRESS_SERVICES_MAX);
	for (const struct json *m = json_first(doc); m != NULL; m = json_next(m))
		ports += json_len(json_get_fold(m, "ports"));
	if (ports > EGRESS_PORTS_MAX)
		return err_set(e, -EMSGSIZE, "%zu ports in all, at most %d can be served", ports,
			EGRESS_PORTS_MAX);
	return 0;
}

int egress_config_parse(const char *text, size_t len, struct egress_config *out, struct err *e)
{
	AUTO(json_freep) struct json *doc = NULL;
	if (field_document(text, len, &doc, e) < 0)
		return e->code;
	return egress_config_read(doc, out, e);
}

int egress_config_read(const struct json *doc, struct egress_config *out, struct err *e)
{
	if (check_bounds(doc, e) < 0)
		return e->code;
	struct egress_config config = {
		.services = xcalloc(json_len(doc) + 1, sizeof(*config.services)),
	};
	for (const struct json *m = json_first(doc); m != NULL; m = json_next(m))
		egress_service_read(m, &config.services[config.count++]);
	qsort(config.services, config.count, sizeof(*config.services), compare_names);
	egress_config_fini(out);
	*out = config;
	return 0;
}

void egress_config_fini(struct egress_config *c)
{
	for (size_t i = 0; i < c->count; i++)
		egress_service_fini(&c->services[i]);
	free(c->services);
	memset(c, 0, sizeof(*c));
}

static void print_service(struct buf *out, const struct egress_service *service)
{
	status_text_quote(out, service->name);
	status_text_add(out, ":{\"healthCheckEndpoint\":");
	status_text_quote(out, service->health_check_endpoint);
	status_text_add(out, ",\"tailnetTarget\":{\"ip\":");
	status_text_quote(out, service->target_ip);
	status_text_add(out, ",\"fqdn\":");
	status_text_quote(out, service->target_fqdn);
	status_text_add(out, "},\"ports\":");
	status_text_ports(out, service->ports, service->port_count);
	status_text_add(out, "}");
}

char *egress_config_print(const struct egress_service *services, size_t count)
{
	struct buf out = STATUS_TEXT_INIT;
	status_text_add(&out, "{");
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			status_text_add(&out, ",");
		print_service(&out, &services[i]);
	}
	status_text_add(&out, "}");
	return buf_take(&out);
}

const struct egress_service *egress_config_find(const struct egress_config *c, const char *name)
{
	if (c->count == 0)
		return NULL;
	/* Only its name is compared. */
	const struct egress_service key = {.name = (char *)(uintptr_t)name};
	return bsearch(&key, c->services, c->count, sizeof(*c->services), compare_names);
}

int egress_pings_parse(const char *text, size_t len, uint32_t *out, struct err *e)
{
	char copy[PINGS_TEXT_MAX];
	AUTO(strv_fini) struct strv words = {0};
	int64_t value = 0;
	if (len >= sizeof(copy) || memchr(text, '\0', len) != NULL)
		return err_set(e, -EINVAL, "no decimal number");
	snprintf(copy, sizeof(copy), "%.*s", (int)len, text);
	str_words(copy, &words);
	if (words.len > 1)
		return err_set(e, -EINVAL, "%zu words where a number belongs", words.len);
	if (words.len == 1 && str_to_i64(words.items[0], &value, e) < 0)
		return e->code;
	if (value > EGRESS_PINGS_MAX)
		return err_set(e, -ERANGE, "%lld pings, at most %d can be made", (long long)value,
			EGRESS_PINGS_MAX);
	*out = value > 0 ? (uint32_t)value : 0;
	return 0;
}
