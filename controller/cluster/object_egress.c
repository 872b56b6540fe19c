#include <stdlib.h>
#include <string.h>

#include "controller/cluster/cluster.h"
#include "controller/cluster/object_decode.h"
#include "controller/cluster/object_read.h"
#include "lib/base/b64.h"
#include "lib/base/mem.h"

#define DOCUMENT_MAX (1024u * 1024) /* of the server */

static bool read_document(const char *coded, struct egress_config *out)
{
	AUTO(buf_fini) struct buf text = BUF_INIT(DOCUMENT_MAX);
	struct err unreadable;
	return coded != NULL && b64_decode(coded, strlen(coded), &text, &unreadable) == 0 &&
	       egress_config_parse(buf_cstr(&text), text.len, out, &unreadable) == 0;
}

void *object_config_map_decode(const struct json *object)
{
	struct object_config_map *out = xcalloc(1, sizeof(*out));
	object_read(object, &out->meta);
	out->is_readable = read_document(
		json_str(json_path(object, "binaryData", EGRESS_CONFIG_FILE, NULL)), &out->egress);
	return out;
}

void object_config_map_free(void *data)
{
	struct object_config_map *m = data;
	object_fini(&m->meta);
	egress_config_fini(&m->egress);
	free(m);
}

void *object_slice_decode(const struct json *object)
{
	struct object_slice *out = xcalloc(1, sizeof(*out));
	const struct json *endpoints = json_get(object, "endpoints");
	object_read(object, &out->meta);
	for (const struct json *e = json_first(endpoints); e != NULL; e = json_next(e)) {
		const char *pod = json_str(json_get(e, "hostname"));
		if (pod != NULL && out->pods.len < OBJECT_ITEMS_MAX)
			strv_push(&out->pods, pod);
	}
	return out;
}

void object_slice_free(void *data)
{
	struct object_slice *s = data;
	object_fini(&s->meta);
	strv_fini(&s->pods);
	free(s);
}
