/*
 * Push scanner: feed it a stream of JSON documents in pieces of any size, and it reports the
 * members you named, without ever holding a document. Memory: one captured value of at most
 * `capture_max` bytes, one key for each step of a path, and a few words per nesting level.
 *
 * A rule is a path from the top of each document; the empty path is the document. "*" stands for
 * any member of an object or any element of an array:
 *
 *	static const struct jscan_rule rules[] = {
 *		{.id = R_STATE, .path = {"State"}, .what = JSCAN_VALUE},
 *		{.id = R_PEER, .path = {"PeersChanged", "*"}, .what = JSCAN_MARK},
 *		{.id = R_PEER_NAME, .path = {"PeersChanged", "*", "Name"}, .what = JSCAN_VALUE},
 *	};
 *
 * JSCAN_VALUE reports the complete text of the value once it has ended (raw JSON text; strings come
 * with their quotes and escapes, see jscan_unquote). JSCAN_MARK reports its begin and its end,
 * without text, so that members inside can be grouped. Rules that nest inside a JSCAN_VALUE of the
 * same document are not reported. The end of each document is reported as JSCAN_GOT_DOCUMENT.
 *
 * Reports come in the order of the text, repeated keys each time (the last one counts, as in Go).
 *
 * Keys are compared after decoding escapes, case-sensitively. A key that is longer than
 * JSCAN_KEY_MAX, holds a NUL or is not UTF-8 matches only "*" and is reported as "". Depth is
 * limited to JSCAN_DEPTH_MAX. A value longer than capture_max is reported with truncated set and
 * without text: the caller decides. Syntax errors and text that ends inside a value are errors,
 * with the byte offset. Skipped parts are checked for their syntax, but not for UTF-8.
 */
#ifndef LIB_BASE_JSCAN_H
#define LIB_BASE_JSCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/buf.h"

#define JSCAN_PATH_MAX 6
#define JSCAN_DEPTH_MAX 64
#define JSCAN_KEY_MAX 1024

enum jscan_what {
	JSCAN_VALUE,
	JSCAN_MARK,
};

struct jscan_rule {
	int id;
	const char *path[JSCAN_PATH_MAX + 1]; /* NULL after the last step */
	enum jscan_what what;
};

enum jscan_kind {
	JSCAN_GOT_VALUE,
	JSCAN_GOT_BEGIN,
	JSCAN_GOT_END,
	JSCAN_GOT_DOCUMENT, /* a whole top-level value has ended; id is -1 */
};

struct jscan_event {
	enum jscan_kind kind;
	int id;
	const char *key; /* decoded last key of the path ("" in arrays), borrowed */
	char first;      /* JSCAN_GOT_BEGIN: first byte of the value: '{', '[', 'n' of null, … */
	const char *
		text; /* JSCAN_GOT_VALUE: raw JSON, NUL-terminated, borrowed; NULL when truncated */
	size_t len;
	bool truncated;
};

/* Returns 0 to go on or a negative errno, with the error set, which jscan_feed then returns. Must
 * not feed, reset or free the scanner. */
typedef int (*jscan_fn)(void *arg, const struct jscan_event *event, struct err *e);

struct jscan;

/* Never NULL. Rules are borrowed for the life of the scanner; at most 32, or the program aborts. */
struct jscan *jscan_new(
	const struct jscan_rule *rules, size_t count, size_t capture_max, jscan_fn fn, void *arg);
void jscan_free(struct jscan *s);

/* -EINVAL for bad JSON; after an error the scanner must be reset or freed. */
int jscan_feed(struct jscan *s, const char *data, size_t len, struct err *e) MUST_CHECK;
/* To call at the end of the stream: -EINVAL when it ends inside a value. A number at the top ends
 * here and is reported. */
int jscan_finish(struct jscan *s, struct err *e) MUST_CHECK;
void jscan_reset(struct jscan *s);
/* Between two feeds: gives back the memory of a captured value, if it is more than keep bytes. */
void jscan_trim(struct jscan *s, size_t keep);
/* True between the first byte of a document and its last. */
bool jscan_is_inside(const struct jscan *s);

/* Helpers for reported text; false for any other type. jscan_unquote decodes a JSON string into out
 * (replaced; -EINVAL when text is not a string, holds an escaped NUL or bad UTF-8, -EMSGSIZE past
 * the cap of out). */
int jscan_unquote(const char *text, size_t len, struct buf *out, struct err *e) MUST_CHECK;
bool jscan_is_null(const char *text, size_t len);
bool jscan_i64(const char *text, size_t len, int64_t *out);
bool jscan_bool(const char *text, size_t len, bool *out);

#endif
