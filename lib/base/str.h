/*
 * Strings: vectors of strings, splitting, strict number parsing. Nothing here fails silently.
 */
#ifndef LIB_BASE_STR_H
#define LIB_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"

/* A vector of owned strings with a NULL after the last one, so that items serves as an argv. */
struct strv {
	char **items; /* NULL until something is added */
	size_t len;
	size_t cap;
};

void strv_push(struct strv *v, const char *text);     /* copies */
void strv_push_take(struct strv *v, char *text_take); /* becomes the owner */
void strv_pushf(struct strv *v, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void strv_copy(struct strv *to, const struct strv *from);    /* to is replaced */
bool strv_equal(const struct strv *a, const struct strv *b); /* same order */
bool strv_contains(const struct strv *v, const char *text);
void strv_sort(struct strv *v);                               /* bytewise */
char *strv_join(const struct strv *v, const char *separator); /* caller frees */
void strv_reset(struct strv *v);
void strv_fini(struct strv *v);
void strv_wipe(struct strv *v); /* overwrites, then strv_fini */

/* Words between runs of white space (blank, \t \n \v \f \r); no quoting of any kind. Added to out.
 */
void str_words(const char *text, struct strv *out);

/* Parts between single separators, empty parts kept; "" gives one empty part. Added to out. */
void str_split(const char *text, char separator, struct strv *out);

bool str_starts(const char *text, const char *prefix);
bool str_ends(const char *text, const char *suffix);
bool str_equal_fold(const char *a, const char *b); /* ignores the case of ASCII letters */

/* Exactly a decimal number from 0 to max and nothing else; the signed form accepts one leading + or
 * -. Leading zeros count as decimal. Returns 0 or -EINVAL / -ERANGE. */
int str_to_u64(const char *text, uint64_t max, uint64_t *out, struct err *e) MUST_CHECK;
int str_to_i64(const char *text, int64_t *out, struct err *e) MUST_CHECK;

/* True when the bytes are valid UTF-8 without NUL. */
bool str_is_utf8(const char *text, size_t len);

/* Decodes the first character. Returns its bytes, 0 when text is empty or does not begin with valid
 * UTF-8 (overlong forms and surrogates are not valid). */
size_t str_utf8_decode(const char *text, size_t len, uint32_t *rune);

/* Length of the longest prefix of text with at most max bytes that splits no character. */
size_t str_cut(const char *text, size_t len, size_t max);

/* Shortens text to at most max bytes (8 and more) in place, with "…" for its middle: error texts
 * say what was done at the beginning and why it failed at the end. Splits no character. Returns the
 * new length. */
size_t str_shorten(char *text, size_t len, size_t max);

#endif
