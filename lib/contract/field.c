#include "lib/contract/field.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int field_get(const struct json *obj, const char *key, enum json_type want, const struct json **out,
	struct err *e)
{
	const struct json *found = json_get_fold(obj, key);
	enum json_type type = json_type(found);
	*out = NULL;
	if (type == JSON_NONE || type == JSON_NULL)
		return 0;
	if (type != want)
		return err_set(e, -EINVAL, "%s: %s where %s belongs", key, json_type_name(type),
			json_type_name(want));
	*out = found;
	return 0;
}

int field_text(const struct json *obj, const char *key, size_t max, const char **out, struct err *e)
{
	const struct json *found;
	if (field_get(obj, key, JSON_STRING, &found, e) < 0)
		return e->code;
	if (found == NULL)
		return 0;
	size_t len = strlen(json_str(found));
	if (len > max)
		return err_set(e, -EINVAL, "%s: %zu bytes, at most %zu belong here", key, len, max);
	*out = json_str(found);
	return 0;
}

int field_address(const char *text, const char *what, struct ipaddr *out, struct err *e)
{
	static const uint8_t nowhere[sizeof(out->bytes)];
	struct ipaddr parsed;
	if (ipaddr_parse(text, &parsed, e) < 0)
		return err_wrap(e, "%s", what);
	if (parsed.zone[0] != '\0')
		return err_set(e, -EINVAL, "%s: \"%s\" has a zone", what, text);
	if (memcmp(parsed.bytes, nowhere, sizeof(nowhere)) == 0)
		return err_set(e, -EINVAL, "%s: nothing can be at %s", what, text);
	*out = parsed;
	return 0;
}

int field_within(struct err *e, const char *fmt, ...)
{
	char prefix[64];
	struct err before = *e;
	va_list args;
	va_start(args, fmt);
	vsnprintf(prefix, sizeof(prefix), fmt, args);
	va_end(args);
	return err_set(e, before.code, "%s%s", prefix, before.msg);
}

int field_document(const char *text, size_t len, struct json **out, struct err *e)
{
	*out = NULL;
	if (len == 0)
		return 0;
	struct json *doc = json_parse(text, len, e);
	if (doc == NULL)
		return e->code;
	enum json_type type = json_type(doc);
	if (type == JSON_OBJECT) {
		*out = doc;
		return 0;
	}
	json_free(doc);
	if (type == JSON_NULL)
		return 0;
	return err_set(
		e, -EINVAL, "the document is %s where an object belongs", json_type_name(type));
}
