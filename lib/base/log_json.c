#include "lib/base/log_json.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"

#define VALUE_MAX 1024
#define FIELD_MAX 64
/* "}\n" */
#define CLOSING 2

/* What is written, and whether all of it had room. */
struct line {
	char *at;
	size_t size, len;
	bool is_cut;
};

static void put(struct line *l, const char *bytes, size_t len)
{
	if (l->is_cut || l->len + len + CLOSING > l->size) {
		l->is_cut = true;
		return;
	}
	memcpy(l->at + l->len, bytes, len);
	l->len += len;
}

static void put_str(struct line *l, const char *text)
{
	put(l, text, strlen(text));
}

/* RFC 8259, 7. The text is cut where no character is split; bad bytes become U+FFFD. */
static void put_quoted(struct line *l, const char *text)
{
	size_t left = strlen(text);
	put(l, "\"", 1);
	while (left > 0) {
		uint32_t rune;
		char escape[8];
		size_t len = str_utf8_decode(text, left, &rune);
		if (len == 0) {
			put_str(l, "\xef\xbf\xbd");
			len = 1;
		} else if (rune == '"' || rune == '\\') {
			escape[0] = '\\';
			escape[1] = (char)rune;
			put(l, escape, 2);
		} else if (rune < ' ') {
			snprintf(escape, sizeof(escape), "\\u%04x", (unsigned int)rune);
			put_str(l, escape);
		} else {
			put(l, text, len);
		}
		text += len;
		left -= len;
	}
	put(l, "\"", 1);
}

/* How many bytes the conversion has, its length modifiers, its letter. */
struct conversion {
	size_t len;
	int longs; /* of "l" */
	bool is_size;
	bool has_star;
	char letter;
};

static struct conversion conversion_at(const char *fmt)
{
	struct conversion c = {.len = 1};
	for (; strchr("-+ #0123456789.*", fmt[c.len]) != NULL && fmt[c.len] != '\0'; c.len++)
		c.has_star = c.has_star || fmt[c.len] == '*';
	for (; fmt[c.len] == 'l' || fmt[c.len] == 'z' || fmt[c.len] == 'h'; c.len++) {
		c.longs += fmt[c.len] == 'l' ? 1 : 0;
		c.is_size = c.is_size || fmt[c.len] == 'z';
	}
	c.letter = fmt[c.len];
	c.len += c.letter != '\0' ? 1 : 0;
	return c;
}

static long long next_signed(const struct conversion *c, va_list *args)
{
	if (c->is_size)
		return va_arg(*args, ssize_t);
	if (c->longs == 0)
		return va_arg(*args, int);
	return c->longs == 1 ? va_arg(*args, long) : va_arg(*args, long long);
}

static unsigned long long next_unsigned(const struct conversion *c, va_list *args)
{
	if (c->is_size)
		return va_arg(*args, size_t);
	if (c->longs == 0)
		return va_arg(*args, unsigned int);
	return c->longs == 1 ? va_arg(*args, unsigned long) : va_arg(*args, unsigned long long);
}

/* False for a conversion that is not known: what follows it cannot be read. */
static bool put_value(struct line *l, const struct conversion *c, va_list *args)
{
	char text[VALUE_MAX];
	int precision = c->has_star ? va_arg(*args, int) : (int)sizeof(text) - 1;
	switch (c->letter) {
	case 's':
		snprintf(text, sizeof(text), "%.*s", precision, va_arg(*args, const char *));
		put_quoted(l, text);
		return true;
	case 'c':
		snprintf(text, sizeof(text), "%c", va_arg(*args, int));
		put_quoted(l, text);
		return true;
	case 'd':
	case 'i':
		snprintf(text, sizeof(text), "%lld", next_signed(c, args));
		put_str(l, text);
		return true;
	case 'u':
		snprintf(text, sizeof(text), "%llu", next_unsigned(c, args));
		put_str(l, text);
		return true;
	default:
		return false;
	}
}

/* The arguments of the line as members. */
static void put_values(struct line *l, const struct log_record *record)
{
	const char *name = record->fields;
	for (const char *p = record->fmt; *p != '\0' && *name != '\0'; p++) {
		if (*p != '%')
			continue;
		struct conversion c = conversion_at(p);
		p += c.len - 1;
		if (c.letter == '%')
			continue;
		char field[FIELD_MAX];
		size_t len = strcspn(name, ",");
		snprintf(field, sizeof(field), "%.*s", (int)len, name);
		name += len + (name[len] == ',' ? 1 : 0);
		put_str(l, ",");
		put_quoted(l, field);
		put_str(l, ":");
		if (!put_value(l, &c, record->args))
			return;
	}
}

static const char *level_name(enum log_level level)
{
	static const char *const names[] = {
		[LOG_LEVEL_DEBUG] = "debug",
		[LOG_LEVEL_INFO] = "info",
		[LOG_LEVEL_WARNING] = "warning",
		[LOG_LEVEL_ERROR] = "error",
	};
	return names[level];
}

/* All but the arguments; the text is cut to at most max bytes. */
static void put_head(struct line *l, const struct log_record *record, size_t max)
{
	char time[32];
	struct tm tm;
	gmtime_r(&record->wall, &tm);
	strftime(time, sizeof(time), "%Y-%m-%dT%H:%M:%SZ", &tm);
	put_str(l, "{\"time\":\"");
	put_str(l, time);
	put_str(l, "\",\"level\":\"");
	put_str(l, level_name(record->level));
	put_str(l, "\",\"event\":");
	put_quoted(l, record->id);
	put_str(l, ",\"message\":");
	AUTO(mem_free)
	char *text = xstrndup(record->text, str_cut(record->text, strlen(record->text), max));
	put_quoted(l, text);
}

size_t log_json(char *line, size_t size, const struct log_record *record)
{
	struct line l = {.at = line, .size = size};
	put_head(&l, record, size);
	/* Escapes take six bytes at most. */
	if (l.is_cut) {
		l = (struct line){.at = line, .size = size};
		put_head(&l, record, (size - 256) / 6);
	}
	size_t head = l.len;
	put_values(&l, record);
	if (l.is_cut)
		l.len = head;
	line[l.len] = '}';
	line[l.len + 1] = '\n';
	return l.len + CLOSING;
}
