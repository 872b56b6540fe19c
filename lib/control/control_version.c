#include "lib/control/control_version.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/json.h"
#include "lib/base/mem.h"

#define OLDEST_MAJOR 0
#define OLDEST_MINOR 28

int control_version_read(const char *body, size_t len, char *out, size_t size, struct err *e)
{
	AUTO(json_freep) struct json *doc = json_parse(body, len, e);
	const char *text = json_str(json_get(doc, "version"));
	if (doc == NULL)
		return e->code;
	if (text == NULL || text[0] == '\0')
		return err_set(e, -EPROTO, "no version in the answer: is this a Headscale?");
	const char *number = text[0] == 'v' && isdigit((unsigned char)text[1]) ? text + 1 : text;
	if (strlen(number) >= size ||
		strspn(number, "0123456789abcdefghijklmnopqrstuvwxyz"
			       "ABCDEFGHIJKLMNOPQRSTUVWXYZ.-+()_") != strlen(number))
		return err_set(e, -EPROTO, "the version in the answer is not one");
	memcpy(out, number, strlen(number) + 1);
	return 0;
}

bool control_version_is_known(const char *version)
{
	unsigned int major;
	unsigned int minor;
	if (sscanf(version, "%3u.%3u", &major, &minor) != 2)
		return true;
	bool is_unreleased = major == 0 && minor == 0;
	return major > OLDEST_MAJOR || minor >= OLDEST_MINOR || is_unreleased;
}
