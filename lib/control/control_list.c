#include "lib/control/control_list.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "lib/base/jscan.h"
#include "lib/base/mem.h"

enum rule {
	RULE_WHOLE,
	RULE_ARRAY,
	RULE_ITEM,
	RULES
};

struct control_list {
	const struct control_driver *driver_ref;
	struct jscan_rule rules[RULES];
	struct jscan *scan;
	control_device_fn fn;
	void *arg;
	uint64_t count;
	unsigned int documents;
	unsigned int arrays;
	bool is_feeding;
	bool is_dead; /* freed within the callback */
};

static int on_item(struct control_list *list, const struct jscan_event *event, struct err *e)
{
	if (event->truncated)
		return err_set(e, -EMSGSIZE, "%s[%" PRIu64 "] has more than %u bytes",
			list->driver_ref->list_member, list->count, CONTROL_ITEM_MAX);
	AUTO(json_freep) struct json *item = json_parse(event->text, event->len, e);
	if (item == NULL)
		return e->code;
	AUTO(control_device_view_fini) struct control_device_view view = {0};
	int code = json_type(item) == JSON_OBJECT ? list->driver_ref->read_device(item, &view, e)
						  : err_set(e, -EPROTO, "no object");
	if (code < 0)
		return err_wrap(e, "%s[%" PRIu64 "]", list->driver_ref->list_member, list->count);
	list->count++;
	list->fn(list->arg, &view.device);
	return list->is_dead ? err_set(e, -ECANCELED, "not wanted any more") : 0;
}

static int on_event(void *arg, const struct jscan_event *event, struct err *e)
{
	struct control_list *list = arg;
	if (event->kind == JSCAN_GOT_DOCUMENT) {
		list->documents++;
		return 0;
	}
	if (event->kind == JSCAN_GOT_VALUE)
		return on_item(list, event, e);
	if (event->kind != JSCAN_GOT_BEGIN)
		return 0;
	if (event->id == RULE_WHOLE) {
		if (event->first != '{' || list->documents > 0)
			return err_set(e, -EPROTO, "the answer is not one object");
		return 0;
	}
	if ((event->first != '[' && event->first != 'n') || list->arrays > 0)
		return err_set(e, -EPROTO, "%s is not one array", list->driver_ref->list_member);
	list->arrays++;
	return 0;
}

struct control_list *control_list_new(
	const struct control_driver *driver, control_device_fn fn, void *arg)
{
	struct control_list *list = xcalloc(1, sizeof(*list));
	list->driver_ref = driver;
	list->fn = fn;
	list->arg = arg;
	list->rules[RULE_WHOLE] = (struct jscan_rule){.id = RULE_WHOLE, .what = JSCAN_MARK};
	list->rules[RULE_ARRAY] = (struct jscan_rule){
		.id = RULE_ARRAY, .path = {driver->list_member}, .what = JSCAN_MARK};
	list->rules[RULE_ITEM] = (struct jscan_rule){
		.id = RULE_ITEM, .path = {driver->list_member, "*"}, .what = JSCAN_VALUE};
	list->scan = jscan_new(list->rules, RULES, CONTROL_ITEM_MAX, on_event, list);
	return list;
}

void control_list_free(struct control_list *list)
{
	if (list == NULL)
		return;
	list->is_dead = true;
	if (list->is_feeding)
		return;
	jscan_free(list->scan);
	free(list);
}

int control_list_feed(struct control_list *list, const char *data, size_t len, struct err *e)
{
	list->is_feeding = true;
	int code = jscan_feed(list->scan, data, len, e);
	list->is_feeding = false;
	if (!list->is_dead)
		return code;
	control_list_free(list);
	return err_set(e, -ECANCELED, "not wanted any more");
}

int control_list_finish(struct control_list *list, struct err *e)
{
	if (jscan_finish(list->scan, e) < 0)
		return e->code;
	if (list->documents != 1 || list->arrays != 1)
		return err_set(e, -EPROTO, "no %s in the answer", list->driver_ref->list_member);
	return 0;
}

uint64_t control_list_count(const struct control_list *list)
{
	return list->count;
}

void control_list_reset(struct control_list *list)
{
	jscan_reset(list->scan);
	list->count = 0;
	list->documents = 0;
	list->arrays = 0;
}
