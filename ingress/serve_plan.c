/*
 * What a serve config file means: pure.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ingress/serve.h"
#include "ingress/serve_services_plan.h"
#include "ingress/serve_unknown_plan.h"
#include "lib/base/buf.h"
#include "lib/base/hujson.h"
#include "lib/base/json.h"
#include "lib/base/mem.h"

#define PLACEHOLDER "${TS_CERT_DOMAIN}"
#define HTTPS_PORT "443"

void serve_plan_fini(struct serve_plan *p)
{
	free(p->document);
	strv_fini(&p->cert_domains);
	strv_fini(&p->services);
	strv_fini(&p->withheld);
	strv_fini(&p->unknown);
	memset(p, 0, sizeof(*p));
}

static int fill(const char *text, size_t len, const char *domain, struct buf *out, struct err *e)
{
	const char *end = text + len;
	for (;;) {
		const char *at =
			memmem(text, (size_t)(end - text), PLACEHOLDER, strlen(PLACEHOLDER));
		if (at == NULL)
			return buf_append(out, text, (size_t)(end - text), e);
		if (buf_append(out, text, (size_t)(at - text), e) < 0 ||
			buf_append_str(out, domain, e) < 0)
			return e->code;
		text = at + strlen(PLACEHOLDER);
	}
}

/* NULL and 0 for an absent or null member; -EINVAL for a wrong type. */
static int member(const struct json *obj, const char *key, enum json_type want,
	const struct json **out, struct err *e)
{
	static const char *const names[] = {
		[JSON_BOOL] = "boolean", [JSON_STRING] = "string", [JSON_OBJECT] = "object"};
	*out = json_get_fold(obj, key);
	enum json_type type = json_type(*out);
	if (type == JSON_NONE || type == JSON_NULL)
		*out = NULL;
	else if (type != want)
		return err_set(e, -EINVAL, "%s is no %s", key, names[want]);
	return 0;
}

/* The value of a member that must be an object or null. */
static int check_object(const struct json *m, struct err *e)
{
	if (json_type(m) != JSON_OBJECT && json_type(m) != JSON_NULL)
		return err_set(e, -EINVAL, "%s is no object", json_key(m));
	return 0;
}

static void add_domain(struct serve_plan *p, const char *domain, size_t len)
{
	AUTO(mem_free) char *text = xstrndup(domain, len);
	if (len > 0 && !strv_contains(&p->cert_domains, text))
		strv_push(&p->cert_domains, text);
}

/* Keys of Web are host:port. */
static int plan_web(struct serve_plan *p, const struct json *web, struct err *e)
{
	for (const struct json *m = json_first(web); m != NULL; m = json_next(m)) {
		const char *key = json_key(m);
		const char *colon = strrchr(key, ':');
		if (check_object(m, e) < 0)
			return err_wrap(e, "Web");
		if (colon == NULL || colon[1] == '\0')
			return err_set(e, -EINVAL, "Web: \"%s\" has no port", key);
		if (strcmp(colon + 1, HTTPS_PORT) == 0)
			add_domain(p, key, (size_t)(colon - key));
	}
	return 0;
}

static int plan_tcp(struct serve_plan *p, const struct json *tcp, struct err *e)
{
	for (const struct json *m = json_first(tcp); m != NULL; m = json_next(m)) {
		const struct json *name;
		if (check_object(m, e) < 0)
			return err_wrap(e, "TCP");
		if (member(m, "TerminateTLS", JSON_STRING, &name, e) < 0)
			return err_wrap(e, "TCP.%s", json_key(m));
		if (name != NULL)
			add_domain(p, json_str(name), strlen(json_str(name)));
	}
	return 0;
}

static int plan_service(struct serve_plan *p, const struct json *service, struct err *e)
{
	const struct json *web, *tcp;
	if (check_object(service, e) < 0)
		return e->code;
	if (member(service, "Web", JSON_OBJECT, &web, e) < 0 ||
		member(service, "TCP", JSON_OBJECT, &tcp, e) < 0 || plan_web(p, web, e) < 0 ||
		plan_tcp(p, tcp, e) < 0)
		return err_wrap(e, "%s", json_key(service));
	strv_push(&p->services, json_key(service));
	return 0;
}

static int plan_services(struct serve_plan *p, const struct json *doc, struct err *e)
{
	const struct json *services;
	if (member(doc, "Services", JSON_OBJECT, &services, e) < 0)
		return e->code;
	for (const struct json *m = json_first(services); m != NULL; m = json_next(m)) {
		if (plan_service(p, m, e) < 0)
			return err_wrap(e, "Services");
	}
	strv_sort(&p->services);
	strv_sort(&p->cert_domains);
	return 0;
}

static int plan_top(struct serve_plan *p, const struct json *doc, struct err *e)
{
	const struct json *tcp, *web, *https;
	if (member(doc, "TCP", JSON_OBJECT, &tcp, e) < 0 ||
		member(doc, "Web", JSON_OBJECT, &web, e) < 0)
		return e->code;
	for (const struct json *m = json_first(tcp); m != NULL; m = json_next(m)) {
		if (check_object(m, e) < 0)
			return err_wrap(e, "TCP");
		if (member(m, "HTTPS", JSON_BOOL, &https, e) < 0)
			return err_wrap(e, "TCP.%s", json_key(m));
		p->needs_https = p->needs_https || json_bool(https, false);
	}
	return plan_services(p, doc, e);
}

/* The services format may contain comments, as `tailscale serve set-config` accepts them. */
static struct json *parse(struct buf *text, struct err *e)
{
	struct err ignored;
	struct json *doc = json_parse(buf_cstr(text), text->len, e);
	if (doc != NULL || hujson_standardize(text->data, text->len, &ignored) < 0)
		return doc;
	doc = json_parse(text->data, text->len, &ignored);
	if (doc != NULL && serve_services_is(doc))
		return doc;
	json_free(doc);
	return NULL;
}

/* The serve config that a document stands for. */
static int translate(struct json **doc, const char *suffix, struct serve_plan *plan, struct err *e)
{
	if (json_type(*doc) == JSON_NULL) {
		json_free(*doc);
		*doc = json_new_object();
	}
	if (json_type(*doc) != JSON_OBJECT)
		return err_set(e, -EINVAL, "the document is no object");
	if (!serve_services_is(*doc)) {
		serve_unknown_find(*doc, &plan->unknown);
		return serve_services_check_other(*doc, e);
	}
	struct json *config;
	if (serve_services_translate(*doc, suffix, &config, &plan->withheld, e) < 0)
		return e->code;
	json_free(*doc);
	*doc = config;
	return 0;
}

int serve_plan_make(const char *text, size_t len, const struct serve_names *names,
	struct serve_plan *out, struct err *e)
{
	AUTO(serve_plan_fini) struct serve_plan plan = {0};
	AUTO(buf_fini) struct buf filled = BUF_INIT(JSON_TEXT_MAX);
	if (fill(text, len, names->cert_domain, &filled, e) < 0)
		return e->code;
	AUTO(json_freep) struct json *doc = parse(&filled, e);
	if (doc == NULL)
		return e->code;
	if (translate(&doc, names->suffix, &plan, e) < 0 || plan_top(&plan, doc, e) < 0)
		return e->code;
	plan.document = json_print(doc);
	serve_plan_fini(out);
	*out = plan;
	memset(&plan, 0, sizeof(plan));
	return 0;
}
