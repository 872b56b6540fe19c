/*
 * Any text as the last output of a login: the first line is a secret, the remaining ones the
 * output. The classifier always returns a reason of a login, and no published text contains the
 * secret, in one piece or in many.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "boot/login/login_conditions.h"
#include "boot/login/login_reason.h"
#include "boot/output/mask.h"
#include "lib/base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_code(const struct condition_kind *code)
{
	if (!condition_is_of_group(code, CONDITION_GROUP_LOGIN))
		abort();
}

static void check_reason(const char *said)
{
	static const enum login_reason_source sources[] = {
		LOGIN_REASON_CONTROL, LOGIN_REASON_HEALTH, LOGIN_REASON_COMMAND};
	const struct condition_kind *code = NULL;
	for (size_t i = 0; i < ARRAY_LEN(sources); i++) {
		if (login_reason_classify(said, sources[i], &code))
			check_code(code);
	}
	AUTO(mem_free) char *reason = login_reason_of_command(said, &code);
	if (reason != NULL)
		check_code(code);
	AUTO(mem_free) char *shown = login_reason_text(said);
	/* Removing the time twice changes nothing: there is at most one in a text. */
	if (strlen(shown) > strlen(said))
		abort();
}

static void check_shown(const struct mask *m, const char *shown)
{
	for (size_t i = 0; i < m->len; i++) {
		/* The mark may be a secret itself, or complete one. */
		if (m->parts[i].len < MASK_FREE_MIN || strchr(m->parts[i].data, '*') != NULL)
			continue;
		if (strstr(shown, m->parts[i].data) != NULL)
			abort();
	}
}

/* A pipe may split anywhere; bytes that are held back are passed again with the following ones. */
static void check_pieces(const struct mask *m, const char *said, size_t piece)
{
	size_t len = strlen(said);
	AUTO(buf_fini) struct buf held = BUF_INIT(len + 1);
	AUTO(buf_fini) struct buf out = BUF_INIT(4 * len + 4 * (len / piece + 1));
	struct err e;
	for (size_t at = 0; at < len; at += piece) {
		size_t part = len - at < piece ? len - at : piece;
		if (buf_append(&held, said + at, part, &e) < 0)
			abort();
		int done = mask_append(m, held.data, held.len, at + part == len, &out, &e);
		if (done < 0 || (size_t)done > held.len)
			abort();
		buf_consume(&held, (size_t)done);
	}
	if (held.len > 0)
		abort();
	check_shown(m, buf_cstr(&out));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(mem_free) char *text = xstrndup((const char *)data, size);
	char *line_end = strchr(text, '\n');
	const char *said = line_end != NULL ? line_end + 1 : "";
	if (line_end != NULL)
		*line_end = '\0';
	check_reason(said);
	AUTO(mask_fini) struct mask m = {0};
	AUTO(secret_fini) struct secret secret = {0};
	secret_set_str(&secret, text);
	mask_add(&m, &secret);
	mask_add_arguments(&m, said);
	AUTO(mem_free) char *shown = mask_text(&m, said);
	check_shown(&m, shown);
	check_pieces(&m, said, 1 + strlen(said) / 7);
	return 0;
}
