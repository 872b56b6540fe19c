#include "lib/localapi/ipn_warning.h"

#include <stdlib.h>

#include "lib/base/json.h"
#include "lib/base/jscan.h"
#include "lib/base/mem.h"

void ipn_warnings_reset(struct ipn_warnings *w)
{
	for (size_t i = 0; i < w->count; i++) {
		free(w->items[i].code);
		free(w->items[i].title);
		free(w->items[i].text);
		free(w->items[i].error);
	}
	w->count = 0;
}

static char *text_of(const struct json *obj, const char *key)
{
	const char *text = json_str(json_get(obj, key));
	return xstrdup(text != NULL ? text : "");
}

void ipn_warnings_read(struct ipn_warnings *w, const struct jscan_event *ev)
{
	struct err ignored;
	if (w->count == IPN_WARNINGS_MAX || ev->truncated)
		return;
	AUTO(json_freep) struct json *doc = json_parse(ev->text, ev->len, &ignored);
	if (json_type(doc) != JSON_OBJECT)
		return;
	w->items[w->count++] = (struct ipn_warning){
		.code = xstrdup(ev->key),
		.title = text_of(doc, "Title"),
		.text = text_of(doc, "Text"),
		.error = text_of(json_get(doc, "Args"), "error"),
	};
}
