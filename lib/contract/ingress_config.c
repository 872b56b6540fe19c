#include "lib/contract/ingress_config.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/json.h"
#include "lib/base/mem.h"
#include "lib/contract/field.h"

static int compare_names(const void *a, const void *b)
{
	const struct ingress_service *left = a;
	const struct ingress_service *right = b;
	return strcmp(left->name, right->name);
}

static int read_address(const struct json *mapping, const char *key, enum ipaddr_family family,
	struct ipaddr *out, struct err *e)
{
	const char *text = "";
	if (field_text(mapping, key, IPADDR_TEXT_MAX - 1, &text, e) < 0)
		return e->code;
	if (text[0] == '\0')
		return err_set(e, -EINVAL, "%s: missing", key);
	if (field_address(text, key, out, e) < 0)
		return e->code;
	if (out->family != family)
		return err_set(e, -EINVAL, "%s: %s is no IPv%d address", key, text, (int)family);
	return 0;
}

static int read_mapping(const struct json *service, const char *key, enum ipaddr_family family,
	struct ingress_mapping *out, struct err *e)
{
	const struct json *mapping;
	struct ingress_mapping made = {.is_set = true};
	if (field_get(service, key, JSON_OBJECT, &mapping, e) < 0)
		return e->code;
	if (mapping == NULL)
		return 0;
	if (read_address(mapping, "TailscaleServiceIP", family, &made.vip, e) < 0 ||
		read_address(mapping, "ClusterIP", family, &made.cluster_ip, e) < 0)
		return field_within(e, "%s.", key);
	*out = made;
	return 0;
}

static int read_fields(const struct json *member, struct ingress_service *out, struct err *e)
{
	enum json_type type = json_type(member);
	if (out->name[0] == '\0')
		return err_set(e, -EINVAL, "the name is empty");
	if (strlen(out->name) > INGRESS_NAME_MAX)
		return err_set(e, -EINVAL, "the name has %zu bytes, at most %d belong here",
			strlen(out->name), INGRESS_NAME_MAX);
	if (type != JSON_OBJECT && type != JSON_NULL)
		return err_set(e, -EINVAL, "%s where an object belongs", json_type_name(type));
	if (read_mapping(member, "IPv4Mapping", IPADDR_V4, &out->v4, e) < 0)
		return e->code;
	return read_mapping(member, "IPv6Mapping", IPADDR_V6, &out->v6, e);
}

static void read_service(const struct json *member, struct ingress_service *out)
{
	struct err e;
	*out = (struct ingress_service){.name = xstrdup(json_key(member))};
	if (read_fields(member, out, &e) < 0)
		out->fault = xstrdup(e.msg);
}

int ingress_config_parse(const char *text, size_t len, struct ingress_config *out, struct err *e)
{
	AUTO(json_freep) struct json *doc = NULL;
	if (field_document(text, len, &doc, e) < 0)
		return e->code;
	size_t count = json_len(doc);
	if (count > INGRESS_SERVICES_MAX)
		return err_set(e, -EMSGSIZE, "%zu services, at most %d can be served", count,
			INGRESS_SERVICES_MAX);
	struct ingress_config config = {.services = xcalloc(count + 1, sizeof(*config.services))};
	for (const struct json *m = json_first(doc); m != NULL; m = json_next(m))
		read_service(m, &config.services[config.count++]);
	qsort(config.services, config.count, sizeof(*config.services), compare_names);
	ingress_config_fini(out);
	*out = config;
	return 0;
}

void ingress_config_fini(struct ingress_config *c)
{
	for (size_t i = 0; i < c->count; i++)
		ingress_service_fini(&c->services[i]);
	free(c->services);
	memset(c, 0, sizeof(*c));
}

const struct ingress_service *ingress_config_find(const struct ingress_config *c, const char *name)
{
	if (c->count == 0)
		return NULL;
	/* Only its name is compared. */
	const struct ingress_service key = {.name = (char *)(uintptr_t)name};
	return bsearch(&key, c->services, c->count, sizeof(*c->services), compare_names);
}

static bool mapping_equal(const struct ingress_mapping *a, const struct ingress_mapping *b)
{
	if (!a->is_set || !b->is_set)
		return a->is_set == b->is_set;
	return ipaddr_equal(&a->vip, &b->vip) && ipaddr_equal(&a->cluster_ip, &b->cluster_ip);
}

bool ingress_service_equal(const struct ingress_service *a, const struct ingress_service *b)
{
	if ((a->fault == NULL) != (b->fault == NULL) ||
		(a->fault != NULL && strcmp(a->fault, b->fault) != 0))
		return false;
	return strcmp(a->name, b->name) == 0 && mapping_equal(&a->v4, &b->v4) &&
	       mapping_equal(&a->v6, &b->v6);
}

void ingress_service_copy(struct ingress_service *to, const struct ingress_service *from)
{
	*to = *from;
	to->name = xstrdup(from->name);
	to->fault = xstrdup(from->fault);
}

void ingress_service_fini(struct ingress_service *s)
{
	free(s->name);
	free(s->fault);
	memset(s, 0, sizeof(*s));
}
