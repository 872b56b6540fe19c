#include "lib/base/jscan.h"

#include <errno.h>
#include <string.h>

#include "lib/base/json_text.h"

int jscan_unquote(const char *text, size_t len, struct buf *out, struct err *e)
{
	buf_reset(out);
	if (len < 2 || text[0] != '"' || text[len - 1] != '"')
		return err_set(e, -EINVAL, "not a JSON string");
	/* Measured first, so that the cap counts decoded bytes and not escapes. */
	size_t made;
	const char *fault = json_text_decode(text + 1, len - 2, NULL, &made);
	if (fault != NULL)
		return err_set(e, -EINVAL, "JSON string: %s at byte %zu", fault, made + 1);
	int code = buf_reserve(out, made, e);
	if (code < 0)
		return err_wrap(e, "JSON string");
	/* The buffer has room for the measured length; decoding needs no more. */
	(void)json_text_decode(text + 1, len - 2, out->data, &made);
	out->len = made;
	out->data[made] = '\0';
	return 0;
}

bool jscan_is_null(const char *text, size_t len)
{
	return len == 4 && memcmp(text, "null", 4) == 0;
}

bool jscan_i64(const char *text, size_t len, int64_t *out)
{
	return json_text_i64(text, len, out);
}

bool jscan_bool(const char *text, size_t len, bool *out)
{
	bool is_true = len == 4 && memcmp(text, "true", 4) == 0;
	if (!is_true && !(len == 5 && memcmp(text, "false", 5) == 0))
		return false;
	*out = is_true;
	return true;
}
