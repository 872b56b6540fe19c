#include "lib/control/control_path.h"

#include <string.h>

#define SEGMENT_MAX 255

static bool is_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

int control_path_escape(struct buf *out, const char *text, struct err *e)
{
	for (const char *c = text; *c != '\0'; c++) {
		bool is_plain = is_alnum(*c) || strchr("-._~", *c) != NULL;
		int code = is_plain ? buf_append(out, c, 1, e)
				    : buf_printf(out, e, "%%%02X", (unsigned char)*c);
		if (code < 0)
			return code;
	}
	return 0;
}

bool control_path_is_segment(const char *text)
{
	size_t len = strlen(text);
	return len > 0 && len <= SEGMENT_MAX && strcmp(text, ".") != 0 && strcmp(text, "..") != 0;
}

bool control_path_is_number(const char *text)
{
	size_t len = strlen(text);
	return len > 0 && len <= 20 && text[0] != '0' && strspn(text, "0123456789") == len;
}

void control_path_description(char *out, size_t size, const char *text)
{
	size_t len = 0;
	for (const char *c = text; *c != '\0' && len + 1 < size; c++)
		out[len++] = is_alnum(*c) || *c == ' ' ? *c : '-';
	out[len] = '\0';
}

void control_path_time(char *out, size_t size, time_t at)
{
	struct tm parts;
	if (gmtime_r(&at, &parts) == NULL || strftime(out, size, "%Y-%m-%dT%H:%M:%SZ", &parts) == 0)
		out[0] = '\0';
}
