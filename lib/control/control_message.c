#include "lib/control/control_message.h"

#include <string.h>

#include "lib/base/json.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

#define SHORTEST_SECRET 6 /* less would be replaced in the midst of words */

/* Blanks for control characters, and at most what fits. */
static void copy_line(char out[static CONTROL_MESSAGE_MAX], const char *text, size_t len)
{
	size_t cut = str_cut(text, len, CONTROL_MESSAGE_MAX - 1);
	memcpy(out, text, cut);
	out[cut] = '\0';
	for (char *c = out; *c != '\0'; c++) {
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = ' ';
	}
}

static const char *member(const struct json *doc, const char *key)
{
	const char *text = json_str(json_get(doc, key));
	return text != NULL && text[0] != '\0' ? text : NULL;
}

static void read_object(const struct json *doc, char out[static CONTROL_MESSAGE_MAX])
{
	static const char *const keys[] = {
		"message", "detail", "title", "error_description", "error"};
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		const char *text = member(doc, keys[i]);
		if (text == NULL)
			continue;
		copy_line(out, text, strlen(text));
		return;
	}
}

void control_message_read(
	const char *body, size_t len, char out[static CONTROL_MESSAGE_MAX], bool *is_json)
{
	struct err ignored;
	AUTO(json_freep) struct json *doc = json_parse(body, len, &ignored);
	out[0] = '\0';
	*is_json = json_type(doc) == JSON_OBJECT || json_type(doc) == JSON_NULL;
	if (doc != NULL) {
		read_object(doc, out);
		return;
	}
	size_t start = strspn(body, " \t\r\n");
	size_t line = strcspn(body + start, "\r\n");
	/* Pages are for people with a browser. */
	if (body[start] != '<' && body[start] != '{' && str_is_utf8(body + start, line))
		copy_line(out, body + start, line);
}

bool control_message_has_error(const char *body, size_t len, const char *error)
{
	struct err ignored;
	AUTO(json_freep) struct json *doc = json_parse(body, len, &ignored);
	const char *text = member(doc, "error");
	return text != NULL && strcmp(text, error) == 0;
}

/* Replaces len bytes at the place. */
static char *hide_at(char *at, size_t len)
{
	static const char shown[] = SECRET_SHOWN;
	char *behind = at + sizeof(shown) - 1;
	memmove(behind, at + len, strlen(at + len) + 1);
	memcpy(at, shown, sizeof(shown) - 1);
	return behind;
}

void control_message_hide(char *text, const struct secret *secret)
{
	if (secret == NULL || secret->len < SHORTEST_SECRET)
		return;
	char *at = text;
	while ((at = strstr(at, secret_str(secret))) != NULL)
		at = hide_at(at, secret->len);
}

void control_message_hide_keys(char *text)
{
	static const char *const prefixes[] = {"tskey-", "hskey-"};
	for (size_t i = 0; i < ARRAY_LEN(prefixes); i++) {
		char *at = text;
		while ((at = strstr(at, prefixes[i])) != NULL)
			at = hide_at(at, strcspn(at, " \t\"',;:()[]{}<>"));
	}
}
