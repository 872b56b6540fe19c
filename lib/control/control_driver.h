/*
 * The two dialects of control planes: requests to texts, answers to plain data. Pure.
 */
#ifndef LIB_CONTROL_CONTROL_DRIVER_H
#define LIB_CONTROL_CONTROL_DRIVER_H

#include <time.h>

#include "lib/base/json.h"
#include "lib/control/control.h"

#define CONTROL_TYPE_JSON "application/json"
#define CONTROL_TYPE_FORM "application/x-www-form-urlencoded"

/* Owned texts; the body may hold secrets. */
struct control_request {
	const char *method;
	char *path; /* behind the URL of the API */
	char *body; /* NULL = none */
	const char *content_type;
};

void control_request_fini(struct control_request *r);
/* With JSON as its body; NULL = none. */
void control_request_set(
	struct control_request *out, const char *method, char *path_take, char *body_take);
struct json *control_text_array(const struct strv *texts); /* NULL is none */

/* A device as its item has it. Texts are borrowed from the item. */
struct control_device_view {
	struct control_device device;
	struct strv addresses;
	struct strv tags;
};

void control_device_view_fini(struct control_device_view *v);

/* What both dialects do with the same members. */
int control_device_lists(struct control_device_view *v, const struct json *item,
	const char *addresses, struct err *e) MUST_CHECK;

struct control_driver {
	enum control_api api; /* when it is not known better */
	const char *list_member;
	/* -EINVAL for what this control plane would not understand. tailnet: an escaped segment.
	 * now: of the wall clock. */
	int (*create_key)(const struct control_key_request *key, const char *tailnet, time_t now,
		struct control_request *out, struct err *e);
	/* Texts borrowed from the answer. */
	int (*read_key)(
		const struct json *answer, const char **id, const char **key, struct err *e);
	int (*delete_key)(
		const char *id, const char *tailnet, struct control_request *out, struct err *e);
	void (*list_devices)(const char *tailnet, struct control_request *out);
	int (*read_device)(const struct json *item, struct control_device_view *out, struct err *e);
	int (*delete_device)(const char *id, struct control_request *out, struct err *e);
	/* Small, and refused without a credential. */
	void (*probe)(const char *tailnet, struct control_request *out);
};

extern const struct control_driver control_v2;
extern const struct control_driver control_headscale_v1;

#endif
