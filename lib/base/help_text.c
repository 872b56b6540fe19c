#include "lib/base/help_text.h"

#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"

int help_text_plain(struct buf *out, const char *text, struct err *e)
{
	int code = 0;
	for (const char *p = text; code == 0 && *p != '\0'; p++) {
		if (*p != '`')
			code = buf_append(out, p, 1, e);
	}
	return code;
}

int help_text_wrapped(struct buf *out, const char *text, size_t indent, struct err *e)
{
	AUTO(strv_fini) struct strv words = {0};
	size_t column = 0;
	int code = 0;
	str_words(text, &words);
	for (size_t i = 0; code == 0 && i < words.len; i++) {
		size_t len = strlen(words.items[i]);
		bool fits = column > 0 && column + 1 + len <= HELP_TEXT_WIDTH;
		if (fits)
			code = buf_append_str(out, " ", e);
		else
			code = buf_printf(out, e, "%s%*s", column > 0 ? "\n" : "", (int)indent, "");
		column = fits ? column + 1 + len : indent + len;
		if (code == 0)
			code = help_text_plain(out, words.items[i], e);
	}
	return code < 0 ? code : buf_append_str(out, "\n", e);
}
