#include "lib/kube/kube_status.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "lib/base/json.h"
#include "lib/base/mem.h"
#include "lib/io/fetch.h"

/* Bytes of an answer that is not JSON, for the text of the error. */
#define SHOWN_TEXT_MAX 200

static int shown_len(const char *text, size_t len)
{
	size_t shown = 0;
	while (shown < len && shown < SHOWN_TEXT_MAX && text[shown] >= ' ' && text[shown] <= '~')
		shown++;
	return (int)shown;
}

/* The API server passes on a refusal of its database, or of the connection to it, as its own
 * failure: a smaller request would be accepted, so others are not in vain. */
static bool is_too_large(int code, const char *message)
{
	static const char *const parts[] = {"request is too large", "message larger than max"};
	for (size_t i = 0; i < ARRAY_LEN(parts) && code >= 500; i++) {
		if (strstr(message, parts[i]) != NULL)
			return true;
	}
	return false;
}

int kube_status_classify(
	int status, const char *text, size_t len, struct json **body, int *code, struct err *e)
{
	struct err parse;
	*code = status;
	*body = json_parse(text, len, &parse);
	bool is_success = status == 200 || status == 201 || status == 202 || status == 204;
	if (is_success) {
		if (*body == NULL && status != 204)
			/* Not an answer of the API server but of a proxy, so it may be
			 * transient. */
			return err_set(e, -EAGAIN, "answer %d is no JSON: %s", status, parse.msg);
		return 0;
	}
	int64_t reported;
	if (json_i64(json_get(*body, "code"), &reported) && reported >= 400 && reported <= 599)
		*code = (int)reported;
	const char *message = json_str(json_get(*body, "message"));
	if (message != NULL && is_too_large(*code, message))
		return err_set(e, -EMSGSIZE, "%d: %s", *code, message);
	if (message != NULL && message[0] != '\0')
		return err_set(e, fetch_status_code(*code), "%d: %s", *code, message);
	return err_set(
		e, fetch_status_code(*code), "%d: \"%.*s\"", *code, shown_len(text, len), text);
}
