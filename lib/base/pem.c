#include "lib/base/pem.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "lib/base/b64.h"
#include "lib/base/gotext.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

#define BEGIN "-----BEGIN "
#define BEGIN_CERTIFICATE "-----BEGIN CERTIFICATE-----"
#define END "-----END "
#define END_CERTIFICATE "-----END CERTIFICATE-----"
#define COLUMNS 64
#define SHOWN_MAX 80 /* bytes of a line in a sentence */
#define DER_SEQUENCE 0x30

struct pem_reader {
	struct buf *out;
	struct buf base64; /* of the certificate that is read */
	size_t line;
	size_t begin; /* line where it begins, 0 between certificates */
	size_t count;
};

struct line {
	const char *text;
	size_t len;
};

static bool is_equal(const struct line *line, const char *text)
{
	return line->len == strlen(text) && memcmp(line->text, text, line->len) == 0;
}

static bool begins_with(const struct line *line, const char *text)
{
	return line->len >= strlen(text) && memcmp(line->text, text, strlen(text)) == 0;
}

static bool contains(const struct line *line, const char *text)
{
	return line->len > 0 && memmem(line->text, line->len, text, strlen(text)) != NULL;
}

static void show(const struct line *line, char out[static SHOWN_MAX])
{
	char text[SHOWN_MAX];
	size_t len = str_cut(line->text, line->len, sizeof(text) - 1);
	memcpy(text, line->text, len);
	text[len] = '\0';
	gotext_quote(text, out, SHOWN_MAX);
}

/* A certificate is one DER sequence: its length shows whether a part is missing. */
static bool is_whole_sequence(const unsigned char *der, size_t len)
{
	if (len < 2 || der[0] != DER_SEQUENCE)
		return false;
	if (der[1] < 0x80)
		return len == 2u + der[1];
	size_t bytes = der[1] & 0x7fu;
	uint64_t content = 0;
	if (bytes == 0 || bytes > 4 || len < 2 + bytes)
		return false;
	for (size_t i = 0; i < bytes; i++)
		content = content << 8 | der[2 + i];
	return len - 2 - bytes == content;
}

static int write_certificate(struct pem_reader *r, struct err *e)
{
	const struct buf *b = &r->base64;
	if (buf_append_str(r->out, BEGIN_CERTIFICATE "\n", e) < 0)
		return e->code;
	for (size_t i = 0; i < b->len; i += COLUMNS) {
		size_t len = b->len - i < COLUMNS ? b->len - i : COLUMNS;
		if (buf_append(r->out, b->data + i, len, e) < 0 ||
			buf_append_str(r->out, "\n", e) < 0)
			return e->code;
	}
	return buf_append_str(r->out, END_CERTIFICATE "\n", e);
}

static int end_certificate(struct pem_reader *r, struct err *e)
{
	AUTO(buf_fini) struct buf der = BUF_INIT(r->base64.max);
	if (b64_decode(buf_cstr(&r->base64), r->base64.len, &der, e) < 0)
		return err_wrap(e, "line %zu: the certificate that begins here", r->begin);
	if (!is_whole_sequence((const unsigned char *)buf_cstr(&der), der.len))
		return err_set(e, -EINVAL, "line %zu: what begins here is not a whole certificate",
			r->begin);
	if (write_certificate(r, e) < 0)
		return e->code;
	buf_reset(&r->base64);
	r->begin = 0;
	r->count++;
	return 0;
}

static int read_between(struct pem_reader *r, const struct line *line, struct err *e)
{
	char shown[SHOWN_MAX];
	if (is_equal(line, BEGIN_CERTIFICATE)) {
		r->begin = r->line;
		return 0;
	}
	if (!contains(line, BEGIN) && !contains(line, END))
		return 0;
	show(line, shown);
	if (begins_with(line, BEGIN))
		return err_set(
			e, -EINVAL, "line %zu: %s: only certificates may be in it", r->line, shown);
	if (begins_with(line, END))
		return err_set(e, -EINVAL, "line %zu: %s without its begin", r->line, shown);
	return err_set(e, -EINVAL, "line %zu: %s must begin its line", r->line, shown);
}

static int read_inside(struct pem_reader *r, const struct line *line, struct err *e)
{
	static const char alphabet[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/= \t";
	if (is_equal(line, END_CERTIFICATE))
		return end_certificate(r, e);
	for (size_t i = 0; i < line->len; i++) {
		char c = line->text[i];
		if (c == '\0' || strchr(alphabet, c) == NULL)
			return err_set(e, -EINVAL,
				"line %zu: not base64, in the certificate that begins on line %zu",
				r->line, r->begin);
		if (c != ' ' && c != '\t' && buf_append(&r->base64, &c, 1, e) < 0)
			return e->code;
	}
	return 0;
}

static int read_line(struct pem_reader *r, struct line *line, struct err *e)
{
	while (line->len > 0 && strchr(" \t\r", line->text[line->len - 1]) != NULL)
		line->len--;
	r->line++;
	return r->begin == 0 ? read_between(r, line, e) : read_inside(r, line, e);
}

static int read_lines(struct pem_reader *r, const char *text, size_t len, struct err *e)
{
	for (size_t at = 0; at < len;) {
		const char *newline = memchr(text + at, '\n', len - at);
		size_t length = newline != NULL ? (size_t)(newline - text) - at : len - at;
		struct line line = {text + at, length};
		if (read_line(r, &line, e) < 0)
			return e->code;
		at += length + 1;
	}
	if (r->begin != 0)
		return err_set(e, -EINVAL, "line %zu: the certificate that begins here has no end",
			r->begin);
	if (r->count > 0)
		return 0;
	if (len == 0)
		return err_set(e, -EINVAL, "line 1: the file is empty");
	return err_set(e, -EINVAL, "line 1: no \"" BEGIN_CERTIFICATE "\" from here to the end");
}

int pem_certificates(const char *text, size_t len, struct buf *out, size_t *count, struct err *e)
{
	struct pem_reader r = {.out = out, .base64 = BUF_INIT(out->max)};
	int code = read_lines(&r, text, len, e);
	*count = r.count;
	buf_fini(&r.base64);
	return code;
}
