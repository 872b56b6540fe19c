/*
 * What a serve config file means: pure.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ingress/serve.h"
#include "lib/base/buf.h"
#include "lib/base/json.h"
#include "lib/base/mem.h"

#define PLACEHOLDER "${TS_CERT_DOMAIN}"
#define HTTPS_PORT "443"

void serve_plan_fini(struct serve_plan *p)
{
	free(p->document);
	strv_fini(&p->cert_domains);
	strv_fini(&p->services);
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

/* An object, or absent, or null. */
static int member_object(
	const struct json *obj, const char *key, const struct json **out, struct err *e)
{
	*out = json_get_fold(obj, key);
	enum json_type type = json_type(*out);
	if (type == JSON_NONE || type == JSON_NULL)
		*out = NULL;
	else if (type != JSON_OBJECT)
		return err_set(e, -EINVAL, "%s is no object", key);
	return 0;
}

static void add_domain(struct serve_plan *p, const char *domain, size_t len)
{
	AUTO(mem_free) char *text = xstrndup(domain, len);
	if (len > 0 && !strv_contains(&p->cert_domains, text))
		strv_push(&p->cert_domains, text);
}

/* Keys of Web are host:port. */
static int plan_web(
	struct serve_plan *p, const char *service, const struct json *web, struct err *e)
{
	for (const struct json *m = json_first(web); m != NULL; m = json_next(m)) {
		const char *key = json_key(m);
		const char *colon = strrchr(key, ':');
		if (colon == NULL || colon[1] == '\0')
			return err_set(
				e, -EINVAL, "Services.%s.Web: \"%s\" has no port", service, key);
		if (strcmp(colon + 1, HTTPS_PORT) == 0)
			add_domain(p, key, (size_t)(colon - key));
	}
	return 0;
}

static void plan_tcp(struct serve_plan *p, const struct json *tcp)
{
	for (const struct json *m = json_first(tcp); m != NULL; m = json_next(m)) {
		const char *name = json_str(json_get_fold(m, "TerminateTLS"));
		if (name != NULL)
			add_domain(p, name, strlen(name));
	}
}

static int plan_services(struct serve_plan *p, const struct json *doc, struct err *e)
{
	const struct json *services;
	if (member_object(doc, "Services", &services, e) < 0)
		return e->code;
	for (const struct json *m = json_first(services); m != NULL; m = json_next(m)) {
		const struct json *web, *tcp;
		if (member_object(m, "Web", &web, e) < 0 || member_object(m, "TCP", &tcp, e) < 0)
			return err_wrap(e, "Services.%s", json_key(m));
		strv_push(&p->services, json_key(m));
		if (plan_web(p, json_key(m), web, e) < 0)
			return e->code;
		plan_tcp(p, tcp);
	}
	strv_sort(&p->services);
	strv_sort(&p->cert_domains);
	return 0;
}

static int plan_top(struct serve_plan *p, const struct json *doc, struct err *e)
{
	const struct json *tcp;
	if (member_object(doc, "TCP", &tcp, e) < 0)
		return e->code;
	for (const struct json *m = json_first(tcp); m != NULL; m = json_next(m)) {
		if (json_bool(json_get_fold(m, "HTTPS"), false))
			p->needs_https = true;
	}
	return plan_services(p, doc, e);
}

int serve_plan_make(
	const char *text, size_t len, const char *domain, struct serve_plan *out, struct err *e)
{
	AUTO(serve_plan_fini) struct serve_plan plan = {0};
	AUTO(buf_fini) struct buf filled = BUF_INIT(JSON_TEXT_MAX);
	if (fill(text, len, domain, &filled, e) < 0)
		return e->code;
	AUTO(json_freep) struct json *doc = json_parse(buf_cstr(&filled), filled.len, e);
	if (doc == NULL)
		return e->code;
	if (json_type(doc) != JSON_OBJECT)
		return err_set(e, -EINVAL, "the document is no object");
	if (plan_top(&plan, doc, e) < 0)
		return e->code;
	plan.document = json_print(doc);
	serve_plan_fini(out);
	*out = plan;
	memset(&plan, 0, sizeof(plan));
	return 0;
}
