#include "controller/engine/engine_diff.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "controller/engine/engine_quantity.h"
#include "lib/base/digest.h"
#include "lib/base/gotext.h"
#include "lib/base/json.h"
#include "lib/base/mem.h"

/* A pair of nodes to compare. A list instead of recursion; the path of one is its chain of
 * parents. */
struct pair {
	const struct json *desired;
	const struct json *live;
	size_t parent;
	size_t place;   /* in a list */
	unsigned depth; /* members and places above it */
	uint64_t alive; /* rules whose path begins with that of the node */
	uint64_t exact; /* rules whose path it is */
};

struct diff {
	struct pair *pairs;
	size_t len;
	size_t cap;
	const struct engine_rule *rules;
	size_t rule_count;
};

static void diff_fini(struct diff *d)
{
	free(d->pairs);
}

/* The segment of a path at a depth: its length, and where it begins. */
static const char *segment(const char *path, unsigned depth, size_t *len)
{
	for (; depth > 0 && path != NULL; depth--) {
		path = strchr(path, '.');
		path = path != NULL ? path + 1 : NULL;
	}
	*len = path != NULL ? strcspn(path, ".") : 0;
	return path;
}

/* label NULL: an element of a list, which only "*" means. */
static void match_rules(
	const struct diff *d, struct pair *child, const struct pair *parent, const char *label)
{
	for (size_t i = 0; i < d->rule_count; i++) {
		size_t len;
		uint64_t bit = UINT64_C(1) << i;
		if ((parent->alive & bit) == 0)
			continue;
		const char *step = segment(d->rules[i].path, parent->depth, &len);
		bool is_any = len == 1 && step[0] == '*';
		bool is_same =
			label != NULL && strlen(label) == len && strncmp(step, label, len) == 0;
		if (!is_any && !is_same)
			continue;
		if (step[len] == '\0')
			child->exact |= bit;
		else
			child->alive |= bit;
	}
}

static void push(struct diff *d, size_t parent, const struct json *desired, const struct json *live,
	size_t place)
{
	const char *label = json_key(desired);
	d->pairs = xgrow(d->pairs, d->len, &d->cap, 64, sizeof(*d->pairs));
	struct pair child = {
		.desired = desired,
		.live = live,
		.parent = parent,
		.place = place,
		.depth = d->pairs[parent].depth + 1,
	};
	match_rules(d, &child, &d->pairs[parent], label);
	d->pairs[d->len++] = child;
}

static const struct engine_rule *rule_of(const struct diff *d, const struct pair *pair)
{
	return pair->exact != 0 ? &d->rules[__builtin_ctzll(pair->exact)] : NULL;
}

/* Text of a scalar: that of a string, else its JSON. */
static char *scalar_text(const struct json *j)
{
	const char *text = json_str(j);
	return text != NULL ? xstrdup(text) : json_print(j);
}

static bool same_text(const struct json *j, const char *otherwise, const struct json *other)
{
	AUTO(mem_free) char *left = j != NULL ? scalar_text(j) : xstrdup(otherwise);
	AUTO(mem_free) char *right = other != NULL ? scalar_text(other) : xstrdup(otherwise);
	return strcmp(left, right) == 0;
}

/* The member that a key of a rule means, in both elements. */
static bool same_key(const char *key, const struct json *a, const struct json *b)
{
	size_t len = strcspn(key, "=");
	const char *otherwise = key[len] == '=' ? key + len + 1 : "";
	AUTO(mem_free) char *name = xstrndup(key, len);
	return same_text(json_get(a, name), otherwise, json_get(b, name));
}

static bool same_keys(const struct engine_rule *rule, const struct json *a, const struct json *b)
{
	for (size_t i = 0; i < ARRAY_LEN(rule->keys) && rule->keys[i] != NULL; i++) {
		if (!same_key(rule->keys[i], a, b))
			return false;
	}
	return rule->kind == ENGINE_KEYED;
}

/* The element that is equal, else the first with the same keys: elements without keys are not to be
 * taken for each other. */
static const struct json *find_element(
	const struct engine_rule *rule, const struct json *element, const struct json *list)
{
	const struct json *found = NULL;
	for (const struct json *at = json_first(list); at != NULL; at = json_next(at)) {
		if (json_equal(element, at))
			return at;
		if (found == NULL && same_keys(rule, element, at))
			found = at;
	}
	return found;
}

static bool push_list(
	struct diff *d, size_t parent, const struct json *desired, const struct json *live)
{
	const struct engine_rule *rule = rule_of(d, &d->pairs[parent]);
	bool is_atomic = rule == NULL || (rule->kind != ENGINE_KEYED && rule->kind != ENGINE_SET);
	if (json_type(live) != JSON_ARRAY || (is_atomic && json_len(desired) != json_len(live)))
		return false;
	const struct json *other = json_first(live);
	size_t place = 0;
	for (const struct json *at = json_first(desired); at != NULL; at = json_next(at), place++) {
		const struct json *same = is_atomic ? other : find_element(rule, at, live);
		push(d, parent, at, same, place);
		if (is_atomic)
			other = json_next(other);
	}
	return true;
}

static bool push_members(
	struct diff *d, size_t parent, const struct json *desired, const struct json *live)
{
	if (json_type(live) != JSON_OBJECT)
		return false;
	for (const struct json *at = json_first(desired); at != NULL; at = json_next(at))
		push(d, parent, at, json_get(live, json_key(at)), 0);
	return true;
}

static bool same_duration(const char *a, const char *b)
{
	int64_t left;
	int64_t right;
	struct err e;
	return gotext_duration(a, &left, &e) == 0 && gotext_duration(b, &right, &e) == 0 &&
	       left == right;
}

static bool same_value(
	const struct engine_rule *rule, const struct json *desired, const struct json *live)
{
	if (live == NULL)
		return false;
	if (json_equal(desired, live))
		return true;
	if (rule == NULL)
		return false;
	AUTO(mem_free) char *left = scalar_text(desired);
	AUTO(mem_free) char *right = scalar_text(live);
	if (rule->kind == ENGINE_QUANTITY)
		return engine_quantity_equal(left, right);
	return rule->kind == ENGINE_DURATION && same_duration(left, right);
}

/* Compares one pair and pushes what is below it. */
static bool is_same_here(struct diff *d, size_t index)
{
	/* The list of pairs may move. */
	const struct pair pair = d->pairs[index];
	switch (json_type(pair.desired)) {
	case JSON_NONE:
	case JSON_NULL:
		return pair.live == NULL || json_type(pair.live) == JSON_NULL;
	case JSON_OBJECT:
		return push_members(d, index, pair.desired, pair.live);
	case JSON_ARRAY:
		return push_list(d, index, pair.desired, pair.live);
	case JSON_BOOL:
	case JSON_NUMBER:
	case JSON_STRING:
		break;
	}
	return same_value(rule_of(d, &pair), pair.desired, pair.live);
}

/* "spec.ports[2].port" of a pair, without what does not fit. */
static void print_path(const struct diff *d, size_t index, char *path, size_t size)
{
	size_t chain[64];
	size_t len = 0;
	for (; index != 0 && len < ARRAY_LEN(chain); index = d->pairs[index].parent)
		chain[len++] = index;
	size_t at = 0;
	path[0] = '\0';
	while (len > 0 && at < size) {
		const struct pair *pair = &d->pairs[chain[--len]];
		const char *label = json_key(pair->desired);
		int n = label != NULL
				? snprintf(path + at, size - at, "%s%s", at > 0 ? "." : "", label)
				: snprintf(path + at, size - at, "[%zu]", pair->place);
		at += n > 0 ? (size_t)n : 0;
	}
}

bool engine_diff_is_contained(const struct json *desired, const struct json *live,
	const struct engine_rule *rules, size_t rule_count, char *path, size_t size)
{
	AUTO(diff_fini) struct diff d = {.rules = rules, .rule_count = rule_count};
	if (rule_count > ENGINE_RULES_MAX) {
		snprintf(path, size, "more than %d rules", ENGINE_RULES_MAX);
		return false;
	}
	d.pairs = xgrow(d.pairs, 0, &d.cap, 64, sizeof(*d.pairs));
	uint64_t all = rule_count == 64 ? UINT64_MAX : (UINT64_C(1) << rule_count) - 1;
	d.pairs[d.len++] = (struct pair){.desired = desired, .live = live, .alive = all};
	for (size_t i = 0; i < d.len; i++) {
		if (is_same_here(&d, i))
			continue;
		print_path(&d, i, path, size);
		return false;
	}
	return true;
}

static void hash_text(const char *text, char out[2 * DIGEST_BYTES + 1])
{
	struct digest digest;
	digest_of(text, strlen(text), &digest);
	for (size_t i = 0; i < DIGEST_BYTES; i++)
		snprintf(out + 2 * i, 3, "%02x", digest.bytes[i]);
}

/* A copy of the member, an empty object when it is none. */
static struct json *object_of(const struct json *doc, const char *key)
{
	const struct json *member = json_get(doc, key);
	return json_type(member) == JSON_OBJECT ? json_dup(member) : json_new_object();
}

void engine_diff_seal(struct json *desired)
{
	char hash[2 * DIGEST_BYTES + 1];
	struct json *metadata = object_of(desired, "metadata");
	struct json *annotations = object_of(metadata, "annotations");
	json_remove(annotations, ENGINE_HASH_ANNOTATION);
	if (json_len(annotations) == 0)
		json_remove(metadata, "annotations");
	else
		json_set(metadata, "annotations", json_dup(annotations));
	json_set(desired, "metadata", json_dup(metadata));
	AUTO(mem_free) char *text = json_print(desired);
	hash_text(text, hash);
	json_set_str(annotations, ENGINE_HASH_ANNOTATION, hash);
	json_set(metadata, "annotations", annotations);
	json_set(desired, "metadata", metadata);
}
