#include "lib/base/jscan_match.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/json_text.h"
#include "lib/base/str.h"

static uint32_t bit(unsigned rule)
{
	return (uint32_t)1 << rule;
}

/* The lowest rule of a non-empty set. */
static unsigned lowest(uint32_t set)
{
	return (unsigned)__builtin_ctz(set);
}

static unsigned highest(uint32_t set)
{
	return 31u - (unsigned)__builtin_clz(set);
}

static size_t length_class(size_t len)
{
	return len < JSCAN_LENGTHS ? len : JSCAN_LENGTHS - 1;
}

static void add_rule(struct jscan_match *m, unsigned number)
{
	const struct jscan_rule *rule = &m->rules_ref[number];
	unsigned steps = 0;
	for (; rule->path[steps] != NULL; steps++) {
		size_t len = strlen(rule->path[steps]);
		m->step_len[number][steps] = len;
		if (strcmp(rule->path[steps], "*") == 0)
			m->stars[steps] |= bit(number);
		else
			m->with_length[steps][length_class(len)] |= bit(number);
	}
	m->ends[steps] |= bit(number);
	m->all |= bit(number);
	if (rule->what == JSCAN_MARK)
		m->marks |= bit(number);
}

void jscan_match_init(struct jscan_match *m, const struct jscan_rule *rules, size_t count)
{
	if (count > JSCAN_RULES_MAX)
		abort();
	m->rules_ref = rules;
	for (unsigned i = 0; i < count; i++)
		add_rule(m, i);
	jscan_match_reset(m);
}

void jscan_match_fini(struct jscan_match *m)
{
	buf_wipe(&m->capture); /* it may be a Secret */
}

void jscan_match_reset(struct jscan_match *m)
{
	buf_reset(&m->capture);
	m->levels[0] = (struct jscan_level){.alive = m->all};
	m->fitting = 0;
	m->scalar_done = 0;
	m->capturing = false;
	m->capture_from = NULL;
	m->key_from = NULL;
}

static int report(struct jscan_match *m, const struct jscan_event *event, struct err *e)
{
	int code = m->fn(m->arg_ref, event, e);
	return code < 0 ? code : 0;
}

/* Text of the value up to `to`. Past the cap nothing is kept. */
static int collect(struct jscan_match *m, const char *to, struct err *e)
{
	size_t len = (size_t)(to - m->capture_from);
	if (m->truncated || len == 0)
		return 0;
	if (len > m->capture_max - m->capture.len) {
		m->truncated = true;
		buf_reset(&m->capture);
		return 0;
	}
	if (buf_append(&m->capture, m->capture_from, len, e) < 0)
		return err_wrap(e, "JSON value");
	return 0;
}

static void spill_key(struct jscan_match *m, const char *to)
{
	size_t len = (size_t)(to - m->key_from);
	m->key_spilled = true;
	if (len > JSCAN_RAW_KEY_MAX - m->raw_len) {
		m->key_long = true;
		return;
	}
	memcpy(m->raw_key + m->raw_len, m->key_from, len);
	m->raw_len += len;
}

void jscan_match_piece_begin(struct jscan_match *m, const char *from)
{
	if (m->capturing)
		m->capture_from = from;
	if (m->key_from != NULL)
		m->key_from = from;
}

int jscan_match_piece_end(struct jscan_match *m, const char *to, struct err *e)
{
	if (m->key_from != NULL)
		spill_key(m, to);
	return m->capturing ? collect(m, to, e) : 0;
}

void jscan_match_key_begin(struct jscan_match *m, const char *from)
{
	m->key_from = from;
	m->key_escaped = false;
	m->key_spilled = false;
	m->key_long = false;
	m->raw_len = 0;
}

/* The decoded key, or NULL for a key that is too long or not valid text, which only "*" matches. */
static const char *decoded_key(struct jscan_match *m, const char *to, size_t *len)
{
	if (!m->key_spilled && !m->key_escaped) {
		*len = (size_t)(to - m->key_from);
		return *len <= JSCAN_KEY_MAX ? m->key_from : NULL;
	}
	spill_key(m, to);
	*len = m->raw_len;
	if (m->key_long)
		return NULL;
	if (m->key_escaped && json_text_decode(m->raw_key, m->raw_len, m->raw_key, len) != NULL)
		return NULL;
	return *len <= JSCAN_KEY_MAX ? m->raw_key : NULL;
}

static uint32_t fitting_key(
	const struct jscan_match *m, uint32_t alive, unsigned step, const char *key, size_t len)
{
	uint32_t fitting = alive & m->stars[step];
	uint32_t maybe = alive & m->with_length[step][length_class(len)];
	for (; maybe != 0; maybe &= maybe - 1) {
		unsigned number = lowest(maybe);
		if (m->step_len[number][step] == len &&
			memcmp(m->rules_ref[number].path[step], key, len) == 0)
			fitting |= bit(number);
	}
	return fitting;
}

void jscan_match_key_end(struct jscan_match *m, unsigned depth, const char *to)
{
	uint32_t alive = m->levels[depth].alive;
	size_t len = 0;
	const char *key = decoded_key(m, to, &len);
	m->key_from = NULL;
	m->fitting = key != NULL ? fitting_key(m, alive, depth - 1, key, len)
				 : alive & m->stars[depth - 1];
	if (m->fitting == 0)
		return;
	/* A key of undecoded bytes is checked here, before it is reported. */
	if (key == NULL || !str_is_utf8(key, len))
		len = 0;
	memcpy(m->keys[depth], key != NULL ? key : "", len);
	m->keys[depth][len] = '\0';
}

int jscan_match_value_begin(
	struct jscan_match *m, unsigned depth, bool in_object, const char *from, struct err *e)
{
	uint32_t fitting = m->fitting;
	if (!in_object) {
		fitting = m->levels[depth].alive;
		if (depth > 0)
			fitting &= m->stars[depth - 1];
		if (fitting != 0)
			m->keys[depth][0] = '\0';
		m->fitting = fitting;
	}
	m->scalar_done = 0;
	if (fitting == 0)
		return 0;
	m->scalar_done = fitting & m->ends[depth];
	for (uint32_t left = m->scalar_done & m->marks; left != 0; left &= left - 1) {
		struct jscan_event event = {
			.kind = JSCAN_GOT_BEGIN,
			.id = m->rules_ref[lowest(left)].id,
			.key = m->keys[depth],
			.first = *from,
		};
		int code = report(m, &event, e);
		if (code < 0)
			return code;
	}
	if ((m->scalar_done & ~m->marks) != 0) {
		m->capturing = true;
		m->truncated = false;
		m->capture_from = from;
		buf_reset(&m->capture);
	}
	return 0;
}

void jscan_match_open(struct jscan_match *m, unsigned depth)
{
	uint32_t done = m->scalar_done;
	m->levels[depth].done = done;
	/* Nothing is reported inside a value that is reported whole. */
	m->levels[depth].alive = m->capturing ? 0 : m->fitting & ~done;
	m->scalar_done = 0;
	m->fitting = 0;
}

static int report_value(struct jscan_match *m, uint32_t values, unsigned depth, struct err *e)
{
	for (; values != 0; values &= values - 1) {
		struct jscan_event event = {
			.kind = JSCAN_GOT_VALUE,
			.id = m->rules_ref[lowest(values)].id,
			.key = m->keys[depth],
			.text = m->truncated ? NULL : buf_cstr(&m->capture),
			.len = m->capture.len,
			.truncated = m->truncated,
		};
		int code = report(m, &event, e);
		if (code < 0)
			return code;
	}
	return 0;
}

int jscan_match_value_end(
	struct jscan_match *m, uint32_t done, unsigned depth, const char *to, struct err *e)
{
	m->scalar_done = 0;
	if ((done & ~m->marks) != 0) {
		int code = collect(m, to, e);
		m->capturing = false;
		if (code == 0)
			code = report_value(m, done & ~m->marks, depth, e);
		if (code < 0)
			return code;
	}
	/* Backwards, so that marks of the same value nest. */
	for (uint32_t left = done & m->marks; left != 0; left &= ~bit(highest(left))) {
		struct jscan_event event = {
			.kind = JSCAN_GOT_END,
			.id = m->rules_ref[highest(left)].id,
			.key = m->keys[depth],
		};
		int code = report(m, &event, e);
		if (code < 0)
			return code;
	}
	return 0;
}

int jscan_match_document_end(struct jscan_match *m, struct err *e)
{
	struct jscan_event event = {.kind = JSCAN_GOT_DOCUMENT, .id = -1, .key = ""};
	return report(m, &event, e);
}
