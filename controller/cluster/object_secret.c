#include <stdlib.h>
#include <string.h>

#include "controller/cluster/cluster.h"
#include "controller/cluster/object_decode.h"
#include "controller/cluster/object_read.h"
#include "lib/base/b64.h"
#include "lib/base/buf.h"
#include "lib/base/mem.h"
#include "lib/contract/proxy_config.h"
#include "lib/contract/state_keys.h"

#define VALUE_MAX (2u * 1024 * 1024) /* the server allows 1 MiB */

/* The bytes of a key; false when it is absent or no base64. */
static bool read_value(const struct json *data, const char *key, struct secret *out)
{
	struct err e;
	const char *text = json_str(json_get(data, key));
	AUTO(buf_wipe) struct buf bytes = BUF_INIT(VALUE_MAX);
	if (text == NULL || b64_decode(text, strlen(text), &bytes, &e) < 0)
		return false;
	secret_set(out, buf_cstr(&bytes), bytes.len);
	return true;
}

/* "" also for what is no text. */
static char *read_text(const struct json *data, const char *key)
{
	AUTO(secret_fini) struct secret value = {0};
	bool is_text = read_value(data, key, &value) && str_is_utf8(secret_str(&value), value.len);
	return xstrdup(is_text ? secret_str(&value) : "");
}

static void read_ips(const struct json *data, struct strv *out)
{
	struct err e;
	AUTO(mem_free) char *text = read_text(data, STATE_KEY_DEVICE_IPS);
	AUTO(json_freep) struct json *list = json_parse(text, strlen(text), &e);
	if (json_type(list) != JSON_ARRAY)
		return;
	for (const struct json *ip = json_first(list); ip != NULL; ip = json_next(ip)) {
		if (json_str(ip) != NULL && out->len < OBJECT_ITEMS_MAX)
			strv_push(out, json_str(ip));
	}
}

static void read_state(const struct json *data, struct object_secret *out)
{
	out->device_id = read_text(data, STATE_KEY_DEVICE_ID);
	out->device_fqdn = read_text(data, STATE_KEY_DEVICE_FQDN);
	out->pod_uid = read_text(data, STATE_KEY_POD_UID);
	out->capver = read_text(data, STATE_KEY_CAPVER);
	read_ips(data, &out->device_ips);
	/* An empty one is a request as well: the pod had no key. */
	out->is_reissue = read_value(data, STATE_KEY_REISSUE_AUTHKEY, &out->reissue_authkey);
	out->egress_services = read_text(data, STATE_KEY_EGRESS_SERVICES);
	struct err unreadable;
	if (egress_status_parse(out->egress_services, strlen(out->egress_services), &out->egress,
		    &unreadable) < 0)
		egress_status_fini(&out->egress);
}

void *object_secret_decode(const struct json *object)
{
	struct object_secret *out = xcalloc(1, sizeof(*out));
	object_read(object, &out->meta);
	const char *type = object_label(&out->meta, CLUSTER_LABEL_SECRET_TYPE);
	bool is_state = type != NULL && strcmp(type, "state") == 0;
	bool is_config = type != NULL && strcmp(type, "config") == 0;
	const struct json *data = json_get(object, "data");
	read_state(is_state ? data : NULL, out);
	if (is_config)
		read_value(data, PROXY_CONFIG_KEY, &out->config);
	return out;
}

void object_secret_free(void *data)
{
	struct object_secret *s = data;
	object_fini(&s->meta);
	secret_fini(&s->config);
	free(s->device_id);
	free(s->device_fqdn);
	free(s->pod_uid);
	free(s->capver);
	strv_fini(&s->device_ips);
	secret_fini(&s->reissue_authkey);
	free(s->egress_services);
	egress_status_fini(&s->egress);
	free(s);
}
