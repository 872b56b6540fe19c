#include "lib/base/hujson.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "lib/base/str.h"

/* No comma to blank is waiting. */
#define NO_COMMA ((size_t)-1)

struct pass {
	char *text;
	size_t len;
	size_t at;
	char last;    /* last byte that was neither space nor comment; 0 at the start */
	size_t comma; /* place of a comma behind a value with nothing after it so far */
	struct err *err_ref;
};

static int fail(struct pass *p, const char *what)
{
	size_t line = 1;
	for (size_t i = 0; i < p->at; i++)
		line += p->text[i] == '\n';
	return err_set(p->err_ref, -EINVAL, "line %zu: %s", line, what);
}

/* The end of the string that begins at `at`; one that does not end is left to the JSON parser. */
static size_t string_end(const struct pass *p)
{
	size_t i = p->at + 1;
	while (i < p->len && p->text[i] != '"')
		i += p->text[i] == '\\' ? 2 : 1;
	return i < p->len ? i + 1 : p->len;
}

/* Blanks the comment that begins at `at`. As in the reference, a line comment needs its line end
 * and a comment must be UTF-8. */
static int blank_comment(struct pass *p)
{
	bool is_block = p->text[p->at + 1] == '*';
	const char *mark = is_block ? "*/" : "\n";
	size_t from = p->at + 2;
	const char *found = memmem(p->text + from, p->len - from, mark, strlen(mark));
	if (found == NULL)
		return fail(p, "comment does not end");
	size_t end = (size_t)(found - p->text) + strlen(mark);
	if (!str_is_utf8(p->text + p->at, end - p->at))
		return fail(p, "comment is not UTF-8");
	for (; p->at < end; p->at++) {
		if (p->text[p->at] != '\n' && p->text[p->at] != '\r')
			p->text[p->at] = ' ';
	}
	return 0;
}

/* Whether a value can end with this byte. */
static bool ends_value(char c)
{
	return c == '"' || c == '}' || c == ']' || isalnum((unsigned char)c);
}

static void note(struct pass *p, char c)
{
	/* Only behind a value: "[,]" must not become "[]". */
	if ((c == '}' || c == ']') && p->comma != NO_COMMA)
		p->text[p->comma] = ' ';
	p->comma = c == ',' && ends_value(p->last) ? p->at : NO_COMMA;
	p->last = c;
}

int hujson_standardize(char *text, size_t len, struct err *e)
{
	struct pass p = {.text = text, .len = len, .comma = NO_COMMA, .err_ref = e};
	while (p.at < len) {
		char c = text[p.at];
		bool is_comment = c == '/' && p.at + 1 < len &&
				  (text[p.at + 1] == '/' || text[p.at + 1] == '*');
		if (is_comment) {
			if (blank_comment(&p) < 0)
				return e->code;
		} else if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
			p.at++;
		} else {
			note(&p, c);
			p.at = c == '"' ? string_end(&p) : p.at + 1;
		}
	}
	return 0;
}
