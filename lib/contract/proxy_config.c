#include "lib/contract/proxy_config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/json.h"
#include "lib/base/mem.h"
#include "lib/contract/field.h"

static void set_unless_empty(struct json *doc, const char *key, const char *text)
{
	if (text != NULL && text[0] != '\0')
		json_set_str(doc, key, text);
}

void proxy_config_print(const struct proxy_config *c, struct secret *out)
{
	AUTO(json_freep) struct json *doc = json_new_object();
	json_set_str(doc, "Version", "alpha0");
	json_set(doc, "Locked", json_new_bool(false));
	set_unless_empty(doc, "ServerURL", c->server_url);
	set_unless_empty(doc, "AuthKey", secret_str(&c->authkey));
	set_unless_empty(doc, "Hostname", c->hostname);
	json_set(doc, "acceptDNS", json_new_bool(false));
	json_set(doc, "acceptRoutes", json_new_bool(c->accept_routes));
	if (c->services.len > 0) {
		struct json *services = json_new_array();
		for (size_t i = 0; i < c->services.len; i++)
			json_push(services, json_new_str(c->services.items[i]));
		json_set(doc, "AdvertiseServices", services);
	}
	char *text = json_print(doc);
	secret_set_str(out, text);
	explicit_bzero(text, strlen(text));
	free(text);
}

static int read_members(const struct json *doc, struct proxy_config *out, struct err *e)
{
	const char *server_url = NULL;
	const char *authkey = NULL;
	const char *hostname = NULL;
	int code = json_get_str(doc, "ServerURL", &server_url, e);
	if (code == 0)
		code = json_get_str(doc, "AuthKey", &authkey, e);
	if (code == 0)
		code = json_get_str(doc, "Hostname", &hostname, e);
	if (code == 0)
		code = json_get_bool(doc, "acceptRoutes", &out->accept_routes, e);
	if (code == 0)
		code = json_get_strv(doc, "AdvertiseServices", &out->services, e);
	if (code < 0)
		return code;
	out->server_url = xstrdup(server_url);
	out->hostname = xstrdup(hostname);
	secret_set_str(&out->authkey, authkey);
	return 0;
}

int proxy_config_parse(const char *text, size_t len, struct proxy_config *out, struct err *e)
{
	AUTO(json_freep) struct json *doc = NULL;
	struct proxy_config config = {0};
	int code = field_document(text, len, &doc, e);
	if (code == 0 && doc == NULL)
		code = err_set(e, -EINVAL, "the document is empty");
	if (code == 0)
		code = read_members(doc, &config, e);
	if (code < 0) {
		proxy_config_fini(&config);
		return code;
	}
	proxy_config_fini(out);
	*out = config;
	return 0;
}

void proxy_config_fini(struct proxy_config *c)
{
	free(c->server_url);
	free(c->hostname);
	secret_fini(&c->authkey);
	strv_fini(&c->services);
	*c = (struct proxy_config){0};
}
