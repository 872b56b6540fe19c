/*
 * The half of lib/base/jscan.h that knows the rules: which of them can still match at each nesting
 * level, the key and the value being collected, and the reports. Private to jscan.
 *
 * The grammar (jscan.c) calls in here only where a rule can still match, so that everything else is
 * scanned without reading keys. `depth` is the number of open containers; a value at depth d is the
 * last of a path of d steps.
 */
#ifndef LIB_BASE_JSCAN_MATCH_H
#define LIB_BASE_JSCAN_MATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/jscan.h"

#define JSCAN_RULES_MAX 32
#define JSCAN_LENGTHS 64
/* Each byte of a key may be written as one escape of six. */
#define JSCAN_RAW_KEY_MAX ((size_t)6 * JSCAN_KEY_MAX)

/* All sets are bit masks of rule numbers. */
struct jscan_level {
	uint32_t alive; /* rules that match the path to this container and have more steps */
	uint32_t done;  /* rules with this container as their value */
};

struct jscan_match {
	const struct jscan_rule *rules_ref;
	jscan_fn fn;
	void *arg_ref;
	struct buf capture;
	size_t capture_max;

	/* Made from the rules once; the index is the number of steps before. */
	uint32_t all;
	uint32_t marks;
	uint32_t ends[JSCAN_PATH_MAX + 1];
	uint32_t stars[JSCAN_PATH_MAX];
	uint32_t with_length[JSCAN_PATH_MAX][JSCAN_LENGTHS]; /* the last one: this long or longer */
	size_t step_len[JSCAN_RULES_MAX][JSCAN_PATH_MAX];

	struct jscan_level levels[JSCAN_DEPTH_MAX + 1];
	uint32_t fitting;     /* rules that match the last key */
	uint32_t scalar_done; /* rules with the current scalar as their value */

	bool capturing;
	bool truncated;
	const char *capture_from; /* borrowed from the piece being fed */

	const char *key_from; /* the same; NULL when no key is being read */
	bool key_escaped;
	bool key_spilled; /* its beginning, or as much as fits, is in raw_key */
	bool key_long;
	size_t raw_len;
	char raw_key[JSCAN_RAW_KEY_MAX];
	char keys[JSCAN_PATH_MAX + 1][JSCAN_KEY_MAX + 1]; /* by the depth of their value */
};

void jscan_match_init(struct jscan_match *m, const struct jscan_rule *rules, size_t count);
void jscan_match_fini(struct jscan_match *m);
void jscan_match_reset(struct jscan_match *m);

/* A collected value or key continues with the first byte of a piece and is saved after its last
 * byte. */
void jscan_match_piece_begin(struct jscan_match *m, const char *from);
int jscan_match_piece_end(struct jscan_match *m, const char *to, struct err *e) MUST_CHECK;

/* A key of the object at depth: the byte behind the first quote, and the second quote. */
void jscan_match_key_begin(struct jscan_match *m, const char *from);
void jscan_match_key_end(struct jscan_match *m, unsigned depth, const char *to);

/* The first byte of a value, and the byte behind its last one. */
int jscan_match_value_begin(struct jscan_match *m, unsigned depth, bool in_object, const char *from,
	struct err *e) MUST_CHECK;
int jscan_match_value_end(struct jscan_match *m, uint32_t done, unsigned depth, const char *to,
	struct err *e) MUST_CHECK;
/* Makes the value that has just begun a container, whose members are at depth. */
void jscan_match_open(struct jscan_match *m, unsigned depth);

int jscan_match_document_end(struct jscan_match *m, struct err *e) MUST_CHECK;

#endif
