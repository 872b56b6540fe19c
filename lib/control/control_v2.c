#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/control/control_driver.h"
#include "lib/control/control_path.h"

#define PREFIX "/api/v2"
#define PATH_MAX_BYTES 4096

/* A deletion of what an identifier names. */
static int set_deletion(struct control_request *out, char *folder_take, const char *id,
	const char *of, struct err *e)
{
	AUTO(mem_free) char *folder = folder_take;
	AUTO(buf_fini) struct buf path = BUF_INIT(PATH_MAX_BYTES);
	if (!control_path_is_segment(id))
		return err_set(e, -EINVAL, "\"%.64s\" is not the identifier of a %s", id, of);
	if (buf_append_str(&path, folder, e) < 0 || control_path_escape(&path, id, e) < 0)
		return e->code;
	control_request_set(out, "DELETE", buf_take(&path), NULL);
	return 0;
}

static int create_key(const struct control_key_request *key, const char *tailnet, time_t now,
	struct control_request *out, struct err *e)
{
	char description[CONTROL_DESCRIPTION_MAX + 1];
	(void)now;
	(void)e;
	struct json *create = json_new_object();
	json_set(create, "reusable", json_new_bool(false));
	json_set(create, "ephemeral", json_new_bool(key->ephemeral));
	json_set(create, "preauthorized", json_new_bool(true));
	json_set(create, "tags", control_text_array(key->tags));
	struct json *devices = json_new_object();
	json_set(devices, "create", create);
	struct json *capabilities = json_new_object();
	json_set(capabilities, "devices", devices);
	AUTO(json_freep) struct json *body = json_new_object();
	json_set(body, "capabilities", capabilities);
	json_set(body, "expirySeconds", json_new_i64(key->expiry_s));
	control_path_description(
		description, sizeof(description), key->description != NULL ? key->description : "");
	json_set_str(body, "description", description);
	control_request_set(
		out, "POST", xasprintf(PREFIX "/tailnet/%s/keys", tailnet), json_print(body));
	return 0;
}

static int read_key(const struct json *answer, const char **id, const char **key, struct err *e)
{
	*id = NULL;
	*key = NULL;
	if (json_get_str(answer, "id", id, e) < 0 || json_get_str(answer, "key", key, e) < 0)
		return e->code;
	if (*id == NULL || *key == NULL || (*id)[0] == '\0' || (*key)[0] == '\0')
		return err_set(e, -EPROTO, "no id, or no key in the answer");
	return 0;
}

static int delete_key(
	const char *id, const char *tailnet, struct control_request *out, struct err *e)
{
	return set_deletion(out, xasprintf(PREFIX "/tailnet/%s/keys/", tailnet), id, "key", e);
}

static void list_devices(const char *tailnet, struct control_request *out)
{
	control_request_set(out, "GET", xasprintf(PREFIX "/tailnet/%s/devices", tailnet), NULL);
}

/* The stable identifier is the one that daemons store; the older "id" is a number. */
static int read_device(const struct json *item, struct control_device_view *out, struct err *e)
{
	const char *id = "";
	const char *stable = "";
	struct control_device *d = &out->device;
	d->name = "";
	d->hostname = "";
	d->key_id = "";
	if (json_get_str(item, "id", &id, e) < 0 || json_get_str(item, "nodeId", &stable, e) < 0 ||
		json_get_str(item, "name", &d->name, e) < 0 ||
		json_get_str(item, "hostname", &d->hostname, e) < 0 ||
		json_get_bool(item, "isExternal", &d->is_shared, e) < 0 ||
		json_get_bool(item, "connectedToControl", &d->is_online, e) < 0)
		return e->code;
	d->id = stable[0] != '\0' ? stable : id;
	if (d->id[0] == '\0')
		return err_set(e, -EPROTO, "a device without an identifier");
	return control_device_lists(out, item, "addresses", e);
}

static int delete_device(const char *id, struct control_request *out, struct err *e)
{
	return set_deletion(out, xstrdup(PREFIX "/device/"), id, "device", e);
}

static void probe(const char *tailnet, struct control_request *out)
{
	control_request_set(out, "GET", xasprintf(PREFIX "/tailnet/%s/keys", tailnet), NULL);
}

const struct control_driver control_v2 = {
	.api = CONTROL_API_TAILSCALE_V2,
	.list_member = "devices",
	.create_key = create_key,
	.read_key = read_key,
	.delete_key = delete_key,
	.list_devices = list_devices,
	.read_device = read_device,
	.delete_device = delete_device,
	.probe = probe,
};
