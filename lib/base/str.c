#include "lib/base/str.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"

#define STRV_FIRST_CAP 8

void strv_push(struct strv *v, const char *text)
{
	strv_push_take(v, xstrdup(text));
}

void strv_push_take(struct strv *v, char *text_take)
{
	if (v->len + 1 >= v->cap) {
		size_t cap = v->cap > 0 ? v->cap * 2 : STRV_FIRST_CAP;
		v->items = xrealloc(v->items, cap, sizeof(*v->items));
		v->cap = cap;
	}
	v->items[v->len++] = text_take;
	v->items[v->len] = NULL;
}

void strv_pushf(struct strv *v, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	strv_push_take(v, xvasprintf(fmt, args));
	va_end(args);
}

void strv_copy(struct strv *to, const struct strv *from)
{
	if (to == from)
		return;
	strv_reset(to);
	for (size_t i = 0; i < from->len; i++)
		strv_push(to, from->items[i]);
}

bool strv_equal(const struct strv *a, const struct strv *b)
{
	if (a->len != b->len)
		return false;
	for (size_t i = 0; i < a->len; i++) {
		if (strcmp(a->items[i], b->items[i]) != 0)
			return false;
	}
	return true;
}

bool strv_contains(const struct strv *v, const char *text)
{
	for (size_t i = 0; i < v->len; i++) {
		if (strcmp(v->items[i], text) == 0)
			return true;
	}
	return false;
}

static int compare_items(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void strv_sort(struct strv *v)
{
	if (v->len > 1)
		qsort(v->items, v->len, sizeof(*v->items), compare_items);
}

char *strv_join(const struct strv *v, const char *separator)
{
	size_t gap = strlen(separator);
	size_t total = 1;
	for (size_t i = 0; i < v->len; i++)
		total += strlen(v->items[i]) + (i > 0 ? gap : 0);
	char *text = xmalloc(total);
	char *p = text;
	for (size_t i = 0; i < v->len; i++) {
		if (i > 0)
			p = mempcpy(p, separator, gap);
		p = mempcpy(p, v->items[i], strlen(v->items[i]));
	}
	*p = '\0';
	return text;
}

void strv_reset(struct strv *v)
{
	for (size_t i = 0; i < v->len; i++) {
		free(v->items[i]);
		v->items[i] = NULL;
	}
	v->len = 0;
}

void strv_fini(struct strv *v)
{
	strv_reset(v);
	free(v->items);
	*v = (struct strv){0};
}

void strv_wipe(struct strv *v)
{
	for (size_t i = 0; i < v->len; i++) {
		if (v->items[i] != NULL)
			explicit_bzero(v->items[i], strlen(v->items[i]));
	}
	strv_fini(v);
}

#define SPACES " \t\n\v\f\r"

void str_words(const char *text, struct strv *out)
{
	for (;;) {
		text += strspn(text, SPACES);
		size_t len = strcspn(text, SPACES);
		if (len == 0)
			return;
		strv_push_take(out, xstrndup(text, len));
		text += len;
	}
}

void str_split(const char *text, char separator, struct strv *out)
{
	for (;;) {
		const char *end = strchrnul(text, separator);
		strv_push_take(out, xstrndup(text, (size_t)(end - text)));
		if (*end == '\0')
			return;
		text = end + 1;
	}
}

bool str_starts(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

bool str_ends(const char *text, const char *suffix)
{
	size_t len = strlen(text);
	size_t tail = strlen(suffix);
	return tail <= len && memcmp(text + len - tail, suffix, tail) == 0;
}

/* Not tolower: that one depends on the locale. */
static char fold(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

bool str_equal_fold(const char *a, const char *b)
{
	while (*a != '\0' && fold(*a) == fold(*b)) {
		a++;
		b++;
	}
	return fold(*a) == fold(*b);
}

int str_to_u64(const char *text, uint64_t max, uint64_t *out, struct err *e)
{
	uint64_t value = 0;
	bool over = false;
	if (*text == '\0')
		return err_set(e, -EINVAL, "empty number");
	for (const char *p = text; *p != '\0'; p++) {
		if (*p < '0' || *p > '9')
			return err_set(e, -EINVAL, "\"%s\" is not a number", text);
		uint64_t digit = (uint64_t)(*p - '0');
		over = over || __builtin_mul_overflow(value, (uint64_t)10, &value) ||
		       __builtin_add_overflow(value, digit, &value);
	}
	if (over || value > max)
		return err_set(
			e, -ERANGE, "\"%s\" is more than %llu", text, (unsigned long long)max);
	*out = value;
	return 0;
}

int str_to_i64(const char *text, int64_t *out, struct err *e)
{
	bool negative = *text == '-';
	const char *digits = text + (*text == '-' || *text == '+');
	uint64_t magnitude = 0;
	int code = str_to_u64(digits, (uint64_t)INT64_MAX + negative, &magnitude, e);
	if (code == -ERANGE)
		return err_set(e, code, "\"%s\" does not fit 64 bits", text);
	if (code < 0)
		return err_set(e, code, "\"%s\" is not a number", text);
	*out = negative ? (int64_t)(0 - magnitude) : (int64_t)magnitude;
	return 0;
}

size_t str_utf8_decode(const char *text, size_t len, uint32_t *rune)
{
	const unsigned char *p = (const unsigned char *)text;
	if (len == 0)
		return 0;
	if (p[0] < 0x80) {
		*rune = p[0];
		return 1;
	}
	size_t size = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
	if (p[0] < 0xc2 || p[0] > 0xf4 || size > len)
		return 0;
	uint32_t value = p[0] & (0x7fu >> size);
	for (size_t i = 1; i < size; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		value = value << 6 | (p[i] & 0x3f);
	}
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	if (value < least[size] || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff))
		return 0;
	*rune = value;
	return size;
}

bool str_is_utf8(const char *text, size_t len)
{
	uint32_t rune;
	for (size_t i = 0; i < len;) {
		size_t n = str_utf8_decode(text + i, len - i, &rune);
		if (n == 0 || rune == 0)
			return false;
		i += n;
	}
	return true;
}

size_t str_cut(const char *text, size_t len, size_t max)
{
	if (len <= max)
		return len;
	/* A character has at most three continuation bytes; more than that is not UTF-8. */
	size_t n = max;
	for (int i = 0; i < 3 && n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80; i++)
		n--;
	return ((unsigned char)text[n] & 0xc0) == 0x80 ? max : n;
}

size_t str_shorten(char *text, size_t len, size_t max)
{
	static const char mark[] = "…";
	if (len <= max)
		return len;
	size_t room = max - strlen(mark);
	size_t head = str_cut(text, len, room / 2);
	size_t tail = len - (room - head);
	for (int i = 0; i < 3 && tail < len && ((unsigned char)text[tail] & 0xc0) == 0x80; i++)
		tail++;
	memcpy(text + head, mark, strlen(mark));
	memmove(text + head + strlen(mark), text + tail, len - tail);
	len = head + strlen(mark) + len - tail;
	text[len] = '\0';
	return len;
}
