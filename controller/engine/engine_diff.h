/*
 * Is a live object as it is desired to be? Compared by meaning, since the server adds defaults and
 * writes values in its own way. Pure.
 *
 * An object is as desired when the desired document is contained in it, and the annotation
 * ENGINE_HASH_ANNOTATION has the hash of the desired document (engine_diff_seal puts it there):
 * containment alone would never see a field that is no longer desired.
 *
 * Contained means: each member is there; lists with a merge key by that key, sets in any order,
 * other lists element by element and of the same length; quantities and durations by value.
 *
 *	engine_diff_seal(desired);
 *	if (!engine_diff_is_contained(desired, live, engine_rules, engine_rules_count, path, size))
 *		apply it; path is the first difference
 */
#ifndef CONTROLLER_ENGINE_ENGINE_DIFF_H
#define CONTROLLER_ENGINE_ENGINE_DIFF_H

#include <stdbool.h>
#include <stddef.h>

#define ENGINE_HASH_ANNOTATION "gateway.tailscale.com/applied-hash"
#define ENGINE_PATH_MAX 256
#define ENGINE_RULES_MAX 64

struct json;

enum engine_rule_kind {
	ENGINE_KEYED,    /* a list by merge keys */
	ENGINE_SET,      /* a list without order */
	ENGINE_QUANTITY, /* a text or a number */
	ENGINE_DURATION, /* a text */
};

struct engine_rule {
	const char *path; /* "spec.template.spec.containers.*.env": "*" is any member or element */
	enum engine_rule_kind kind;
	/* Members of an element that make it the same one; "protocol=TCP" has a default. NULL after
	 * the last. */
	const char *keys[3];
};

/* For the kinds of the server's own that a controller writes. */
extern const struct engine_rule engine_rules[];
extern const size_t engine_rules_count;

/* Sets the annotation to the hash of the document as it is; one that is there is replaced. */
void engine_diff_seal(struct json *desired);
/* The rules are at most ENGINE_RULES_MAX. path receives the first difference when there is one. */
bool engine_diff_is_contained(const struct json *desired, const struct json *live,
	const struct engine_rule *rules, size_t rule_count, char *path, size_t size);

#endif
