#include "boot/output/relay.h"

#include <string.h>

#include "boot/output/mask.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"

/* A marker may be longer than the text it hides, by less than this. */
#define MASKED_GROWTH 4
#define LINE_ENDS "\r\n"

void relay_init(struct relay *r, const struct mask *mask, size_t kept_max)
{
	*r = (struct relay){.mask_ref = mask, .said = BUF_INIT(kept_max)};
}

void relay_fini(struct relay *r)
{
	buf_wipe(&r->line);
	buf_fini(&r->said);
}

/* NUL would hide the text after it. */
static void remember(struct relay *r, const char *text, size_t len)
{
	struct err e;
	size_t max = r->said.max;
	if (len > max) {
		text += len - max;
		len = max;
	}
	if (r->said.len + len > max)
		buf_consume(&r->said, r->said.len + len - max);
	size_t begin = r->said.len;
	if (buf_append(&r->said, text, len, &e) < 0)
		return;
	for (size_t i = begin; i < r->said.len; i++) {
		if (r->said.data[i] == '\0')
			r->said.data[i] = ' ';
	}
}

static void show(struct relay *r, const char *text, size_t len)
{
	if (len > 0)
		log_raw(text, len);
	remember(r, text, len);
}

/* is_whole: the line has come to its end, or nothing follows. */
static void pass_on(struct relay *r, bool is_whole)
{
	struct err e;
	AUTO(buf_fini) struct buf masked = BUF_INIT(r->line.len * MASKED_GROWTH + MASKED_GROWTH);
	int dealt_with =
		mask_append(r->mask_ref, buf_cstr(&r->line), r->line.len, is_whole, &masked, &e);
	if (dealt_with < 0) {
		/* No memory to mask it, so it is not shown. */
		buf_wipe(&r->line);
		return;
	}
	show(r, buf_cstr(&masked), masked.len);
	if (is_whole)
		buf_wipe(&r->line);
	else
		buf_consume(&r->line, (size_t)dealt_with);
}

void relay_feed(struct relay *r, const char *data, size_t len)
{
	while (len > 0) {
		const char *end = memchr(data, '\n', len);
		size_t part = end != NULL ? (size_t)(end - data) + 1 : len;
		struct err e;
		if (part > RELAY_LINE_MAX)
			part = RELAY_LINE_MAX;
		/* One more part may arrive before the line is processed. */
		r->line.max = 2 * RELAY_LINE_MAX + r->mask_ref->longest;
		if (buf_append(&r->line, data, part, &e) < 0)
			buf_wipe(&r->line);
		if (data[part - 1] == '\n')
			pass_on(r, true);
		else if (r->line.len >= RELAY_LINE_MAX + r->mask_ref->longest)
			pass_on(r, false);
		data += part;
		len -= part;
	}
}

void relay_end(struct relay *r)
{
	if (r->line.len > 0)
		pass_on(r, true);
	log_raw_end();
}

void relay_reset(struct relay *r)
{
	buf_reset(&r->said);
}

const char *relay_said(const struct relay *r)
{
	return buf_cstr(&r->said);
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || strchr(LINE_ENDS, c) != NULL;
}

void relay_last_line(const struct relay *r, char *out, size_t size)
{
	const char *text = buf_cstr(&r->said);
	size_t end = r->said.len;
	while (end > 0 && is_blank(text[end - 1]))
		end--;
	size_t begin = end;
	while (begin > 0 && strchr(LINE_ENDS, text[begin - 1]) == NULL)
		begin--;
	while (begin < end && is_blank(text[begin]))
		begin++;
	size_t len = end - begin;
	if (len >= size) {
		begin = end - (size - 1);
		len = size - 1;
		/* Not in the middle of a character. */
		for (; len > 0 && ((unsigned char)text[begin] & 0xc0) == 0x80; begin++)
			len--;
	}
	memcpy(out, text + begin, len);
	out[len] = '\0';
}
