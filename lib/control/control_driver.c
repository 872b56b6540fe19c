#include "lib/control/control_driver.h"

#include <stdlib.h>
#include <string.h>

void control_request_fini(struct control_request *r)
{
	free(r->path);
	if (r->body != NULL)
		explicit_bzero(r->body, strlen(r->body));
	free(r->body);
	*r = (struct control_request){0};
}

void control_request_set(
	struct control_request *out, const char *method, char *path_take, char *body_take)
{
	*out = (struct control_request){
		.method = method,
		.path = path_take,
		.body = body_take,
		.content_type = CONTROL_TYPE_JSON,
	};
}

struct json *control_text_array(const struct strv *texts)
{
	struct json *array = json_new_array();
	for (size_t i = 0; texts != NULL && i < texts->len; i++)
		json_push(array, json_new_str(texts->items[i]));
	return array;
}

void control_device_view_fini(struct control_device_view *v)
{
	strv_fini(&v->addresses);
	strv_fini(&v->tags);
}

int control_device_lists(struct control_device_view *v, const struct json *item,
	const char *addresses, struct err *e)
{
	v->device.addresses = &v->addresses;
	v->device.tags = &v->tags;
	if (json_get_strv(item, addresses, &v->addresses, e) < 0)
		return e->code;
	return json_get_strv(item, "tags", &v->tags, e);
}
