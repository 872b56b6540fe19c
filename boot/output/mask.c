#include "boot/output/mask.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"

#define BLANKS " \t\n\v\f\r"
#define FILE_PREFIX "file:"

static bool has_part(const struct mask *m, const char *bytes, size_t len)
{
	for (size_t i = 0; i < m->len; i++) {
		if (m->parts[i].len == len && memcmp(m->parts[i].data, bytes, len) == 0)
			return true;
	}
	return false;
}

static void drop_oldest(struct mask *m)
{
	secret_fini(&m->parts[m->kept]);
	m->len--;
	memmove(m->parts + m->kept, m->parts + m->kept + 1, (m->len - m->kept) * sizeof(*m->parts));
}

static void add_part(struct mask *m, const char *bytes, size_t len)
{
	if (len == 0 || has_part(m, bytes, len))
		return;
	if (m->len - m->kept == MASK_LATER_MAX)
		drop_oldest(m);
	m->parts = xrealloc(m->parts, m->len + 1, sizeof(*m->parts));
	m->parts[m->len] = (struct secret){0};
	secret_set(&m->parts[m->len], bytes, len);
	m->len++;
	if (len > m->longest)
		m->longest = len;
}

void mask_add(struct mask *m, const struct secret *secret)
{
	const char *at = secret_str(secret);
	if (str_starts(at, FILE_PREFIX))
		return;
	for (at += strspn(at, BLANKS); *at != '\0'; at += strspn(at, BLANKS)) {
		size_t len = strcspn(at, BLANKS);
		const char *parameters = memchr(at, '?', len);
		add_part(m, at, len);
		if (parameters != NULL)
			add_part(m, at, (size_t)(parameters - at));
		at += len;
	}
}

/* Points after the name of the flag, to '=' or the end; NULL for other words. The tool accepts one
 * dash as well as two. */
static const char *credential_flag(const char *word)
{
	static const char *const names[] = {"auth-key", "authkey", "client-secret", "id-token"};
	size_t dashes = strspn(word, "-");
	if (dashes == 0 || dashes > 2)
		return NULL;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (!str_starts(word + dashes, names[i]))
			continue;
		const char *remaining = word + dashes + strlen(names[i]);
		if (*remaining == '=' || *remaining == '\0')
			return remaining;
	}
	return NULL;
}

bool mask_add_arguments(struct mask *m, const char *words)
{
	AUTO(strv_wipe) struct strv list = {0};
	bool found = false;
	str_words(words, &list);
	for (size_t i = 0; i < list.len; i++) {
		const char *value = credential_flag(list.items[i]);
		if (value == NULL)
			continue;
		if (*value == '=')
			value++;
		else if (i + 1 < list.len)
			value = list.items[++i];
		AUTO(secret_fini) struct secret secret = {0};
		secret_set_str(&secret, value);
		mask_add(m, &secret);
		found = found || *value != '\0';
	}
	return found;
}

void mask_keep(struct mask *m)
{
	m->kept = m->len;
}

void mask_fini(struct mask *m)
{
	for (size_t i = 0; i < m->len; i++)
		secret_fini(&m->parts[i]);
	free(m->parts);
	*m = (struct mask){0};
}

static bool is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '-' || c == '_';
}

static bool stands_alone(const char *text, size_t len, size_t begin, size_t end)
{
	return (begin == 0 || !is_word(text[begin - 1])) && (end == len || !is_word(text[end]));
}

static void mark(const struct secret *part, const char *text, size_t len, char *marks)
{
	size_t from = 0;
	size_t marked_to = 0;
	const char *hit;
	while (from < len &&
		(hit = memmem(text + from, len - from, part->data, part->len)) != NULL) {
		size_t begin = (size_t)(hit - text);
		size_t end = begin + part->len;
		/* One byte on: a secret may overlap itself. */
		from = begin + 1;
		if (part->len < MASK_FREE_MIN && !stands_alone(text, len, begin, end))
			continue;
		if (begin < marked_to)
			begin = marked_to;
		memset(marks + begin, 1, end - begin);
		marked_to = end;
	}
}

/* An incomplete secret can only begin in the last bytes, as many as the longest one has. The cut
 * must not divide a run either. */
static size_t safe_cut(const struct mask *m, const char *marks, size_t len)
{
	size_t end = len > m->longest ? len - m->longest : 0;
	size_t begin = end;
	while (begin > 0 && marks[begin - 1] && marks[end])
		begin--;
	if (begin > 0 || end == 0)
		return begin;
	/* One run from the first byte on: everything is held. */
	while (end < len && marks[end])
		end++;
	return end;
}

int mask_append(const struct mask *m, const char *text, size_t len, bool is_whole, struct buf *out,
	struct err *e)
{
	AUTO(mem_free) char *marks = xcalloc(len + 1, 1);
	for (size_t i = 0; i < m->len; i++)
		mark(&m->parts[i], text, len, marks);
	size_t cut = is_whole ? len : safe_cut(m, marks, len);
	for (size_t at = 0; at < cut;) {
		size_t end = at;
		while (end < cut && marks[end] == marks[at])
			end++;
		int code = marks[at] ? buf_append_str(out, SECRET_SHOWN, e)
				     : buf_append(out, text + at, end - at, e);
		if (code < 0)
			return code;
		at = end;
	}
	return (int)cut;
}

char *mask_text(const struct mask *m, const char *text)
{
	size_t len = strlen(text);
	struct err e;
	/* A part that stands alone has a byte beside it, so the result is less than twice the
	 * marker. */
	AUTO(buf_wipe) struct buf out = BUF_INIT(len * 4 + sizeof(SECRET_SHOWN));
	if (mask_append(m, text, len, true, &out, &e) < 0)
		return xstrdup(SECRET_SHOWN);
	return buf_take(&out);
}
