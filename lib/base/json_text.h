/*
 * Lexical pieces of JSON that the document parser (lib/base/json.h) and the stream scanner
 * (lib/base/jscan.h) have in common: numbers, and the inside of strings. Private to those two.
 * Nothing is allocated and nothing is kept.
 */
#ifndef LIB_BASE_JSON_TEXT_H
#define LIB_BASE_JSON_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Length of the number (RFC 8259, section 6) that text begins with; 0 when it does not begin with
 * one. */
size_t json_text_number(const char *text, size_t len);

/* True when text is a JSON number without fraction and exponent that fits. */
bool json_text_i64(const char *text, size_t len, int64_t *out);

/* Checks the inside of a string up to the quote that ends it. Returns NULL with the length before
 * that quote in *out_len, or the reason as a few words with the place of the fault in *out_len. */
const char *json_text_string(const char *text, size_t len, size_t *out_len);

/* Decodes the inside of a string. out needs room for the result, which is never longer than the
 * input; it may be text itself, or NULL to get only the length. No NUL is added. Returns NULL with
 * *out_len set, or the reason as a few words with the place of the fault in *out_len. An escaped
 * NUL and half a surrogate pair are faults. */
const char *json_text_decode(const char *text, size_t len, char *out, size_t *out_len);

#endif
