/*
 * What this API does not prove: creating a key checks only how its tags are spelled, deleting a key
 * succeeds for any number, a node has no FQDN. Without an expiration a key would be made that has
 * expired already.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/control/control_driver.h"
#include "lib/control/control_path.h"

#define PREFIX "/api/v1"

static int check_id(const char *id, const char *of, struct err *e)
{
	if (!control_path_is_number(id))
		return err_set(e, -EINVAL,
			"\"%.64s\" is not the identifier of a %s of Headscale, which is a number",
			id, of);
	return 0;
}

static int create_key(const struct control_key_request *key, const char *tailnet, time_t now,
	struct control_request *out, struct err *e)
{
	char expiration[40];
	(void)tailnet;
	if (key->tags == NULL || key->tags->len == 0)
		return err_set(e, -EINVAL, "a key of Headscale needs tags: one without has a user");
	AUTO(json_freep) struct json *body = json_new_object();
	control_path_time(expiration, sizeof(expiration), now + (time_t)key->expiry_s);
	json_set(body, "reusable", json_new_bool(false));
	json_set(body, "ephemeral", json_new_bool(key->ephemeral));
	json_set_str(body, "expiration", expiration);
	json_set(body, "aclTags", control_text_array(key->tags));
	control_request_set(out, "POST", xstrdup(PREFIX "/preauthkey"), json_print(body));
	return 0;
}

static int read_key(const struct json *answer, const char **id, const char **key, struct err *e)
{
	const struct json *made = json_get(answer, "preAuthKey");
	const char *expiration = "";
	*id = "";
	*key = "";
	if (json_get_str(made, "id", id, e) < 0 || json_get_str(made, "key", key, e) < 0 ||
		json_get_str(made, "expiration", &expiration, e) < 0)
		return e->code;
	if (!control_path_is_number(*id) || (*key)[0] == '\0')
		return err_set(e, -EPROTO, "no id, or no key in the answer");
	if (strncmp(expiration, "0001-", 5) == 0)
		return err_set(e, -EPROTO, "the key that was made has expired already");
	return 0;
}

static int delete_key(
	const char *id, const char *tailnet, struct control_request *out, struct err *e)
{
	(void)tailnet;
	if (check_id(id, "key", e) < 0)
		return e->code;
	control_request_set(out, "DELETE", xasprintf(PREFIX "/preauthkey?id=%s", id), NULL);
	return 0;
}

static void list_devices(const char *tailnet, struct control_request *out)
{
	(void)tailnet;
	control_request_set(out, "GET", xstrdup(PREFIX "/node"), NULL);
}

static int read_device(const struct json *item, struct control_device_view *out, struct err *e)
{
	struct control_device *d = &out->device;
	d->id = "";
	d->name = "";
	d->hostname = "";
	d->key_id = "";
	if (json_get_str(item, "id", &d->id, e) < 0 ||
		json_get_str(item, "givenName", &d->name, e) < 0 ||
		json_get_str(item, "name", &d->hostname, e) < 0 ||
		json_get_bool(item, "online", &d->is_online, e) < 0 ||
		json_get_str(json_get(item, "preAuthKey"), "id", &d->key_id, e) < 0)
		return e->code;
	if (!control_path_is_number(d->id))
		return err_set(e, -EPROTO, "a node without an identifier");
	return control_device_lists(out, item, "ipAddresses", e);
}

static int delete_device(const char *id, struct control_request *out, struct err *e)
{
	if (check_id(id, "node", e) < 0)
		return e->code;
	control_request_set(out, "DELETE", xasprintf(PREFIX "/node/%s", id), NULL);
	return 0;
}

static void probe(const char *tailnet, struct control_request *out)
{
	(void)tailnet;
	control_request_set(out, "GET", xstrdup(PREFIX "/health"), NULL);
}

const struct control_driver control_headscale_v1 = {
	.api = CONTROL_API_HEADSCALE_V1,
	.list_member = "nodes",
	.create_key = create_key,
	.read_key = read_key,
	.delete_key = delete_key,
	.list_devices = list_devices,
	.read_device = read_device,
	.delete_device = delete_device,
	.probe = probe,
};
