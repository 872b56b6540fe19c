#include "lib/kube/kube_cache.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/json.h"
#include "lib/base/keyed.h"
#include "lib/base/mem.h"

/* Kept of an object: one member. */
static void *decode(const struct json *object)
{
	return xstrdup(json_str(json_path(object, "spec", "group", NULL)));
}

/* Words of the member. */
static void by_group(void *arg, const struct kube_entry *entry, struct strv *out)
{
	(void)arg;
	if (entry->data != NULL)
		str_words(entry->data, out);
}

static void by_namespace(void *arg, const struct kube_entry *entry, struct strv *out)
{
	(void)arg;
	strv_push(out, entry->ns);
}

static const struct kube_index indexes[] = {{.values = by_group}, {.values = by_namespace}};

static const struct kube_cache_kind kind = {
	.decode = decode,
	.free = free,
	.indexes = indexes,
	.index_count = ARRAY_LEN(indexes),
};

/* Texts of those of which something was decoded. */
static bool is_kept(const void *data)
{
	return data != NULL;
}

static const struct kube_cache_kind with_text = {
	.decode = decode, .free = free, .keeps_text = is_kept};

struct fixture {
	struct kube_cache *cache;
	struct kube_watch_sink sink;
	struct strv reports;
	size_t count; /* in the cache, during the last report */
};

static void on_report(void *arg, const struct kube_entry *before, const struct kube_entry *after)
{
	struct fixture *f = arg;
	strv_pushf(&f->reports, "%s%s%s", before != NULL ? before->key : "", "->",
		after != NULL ? after->key : "");
	f->count = kube_cache_count(f->cache);
}

static int setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));
	f->cache = kube_cache_new(&kind, on_report, f);
	kube_cache_sink(f->cache, &f->sink);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	kube_cache_free(f->cache);
	strv_fini(&f->reports);
	free(f);
	return 0;
}

static struct json *object_of(const char *ns, const char *name, const char *group)
{
	struct err e;
	AUTO(mem_free)
	char *text = xasprintf(
		"{\"metadata\":{%s%s%s\"name\":\"%s\",\"uid\":\"u-%s\",\"resourceVersion\":\"7\","
		"\"managedFields\":[{}],\"labels\":{}},\"spec\":{\"group\":\"%s\"},\"status\":{}}",
		ns[0] != '\0' ? "\"namespace\":\"" : "", ns, ns[0] != '\0' ? "\"," : "", name, name,
		group);
	struct json *object = json_parse(text, strlen(text), &e);
	assert_non_null(object);
	return object;
}

static void item(struct fixture *f, const char *ns, const char *name, const char *group)
{
	struct err e;
	AUTO(json_freep) struct json *object = object_of(ns, name, group);
	assert_int_equal(f->sink.on_item(f->sink.arg, object, &e), 0);
}

static void change(struct fixture *f, enum kube_change what, const char *name, const char *group)
{
	struct err e;
	AUTO(json_freep) struct json *object = object_of("a", name, group);
	assert_int_equal(f->sink.on_change(f->sink.arg, what, object, &e), 0);
}

static void expect_reports(struct fixture *f, const char *expected)
{
	AUTO(mem_free)
	char *joined = f->reports.len > 0 ? strv_join(&f->reports, " ") : xstrdup("");
	assert_string_equal(joined, expected);
	strv_reset(&f->reports);
}

/* Names in an index, joined. */
static void expect_index(struct fixture *f, size_t index, const char *value, const char *expected)
{
	AUTO(strv_fini) struct strv names = {0};
	const struct kube_entry *entry;
	for (size_t i = 0; (entry = kube_cache_indexed(f->cache, index, value, i)) != NULL; i++)
		strv_push(&names, entry->key);
	AUTO(mem_free) char *joined = names.len > 0 ? strv_join(&names, " ") : xstrdup("");
	assert_string_equal(joined, expected);
}

static void list(struct fixture *f)
{
	f->sink.on_begin(f->sink.arg);
	item(f, "a", "one", "x y x");
	item(f, "a", "two", "y");
	item(f, "b", "one", "x");
}

static void a_list_counts_when_it_is_complete(void **state)
{
	struct fixture *f = *state;
	list(f);
	assert_false(kube_cache_is_synced(f->cache));
	assert_int_equal(kube_cache_count(f->cache), 0);
	assert_null(kube_cache_get(f->cache, "a", "one"));
	f->sink.on_complete(f->sink.arg);
	assert_true(kube_cache_is_synced(f->cache));
	expect_reports(f, "->a/one ->a/two ->b/one");
	const struct kube_entry *one = kube_cache_get(f->cache, "a", "one");
	assert_string_equal(one->key, "a/one");
	assert_string_equal(one->ns, "a");
	assert_string_equal(one->name, "one");
	assert_string_equal(one->uid, "u-one");
	assert_string_equal(one->version, "7");
	assert_string_equal(one->data, "x y x");
	assert_null(one->text);
	assert_ptr_equal(kube_cache_at(f->cache, 0), one);
	assert_null(kube_cache_at(f->cache, 3));
	expect_index(f, 0, "x", "a/one b/one");
	expect_index(f, 0, "y", "a/one a/two");
	expect_index(f, 0, "z", "");
	expect_index(f, 1, "a", "a/one a/two");
}

static void a_second_list_replaces_in_one_step(void **state)
{
	struct fixture *f = *state;
	list(f);
	f->sink.on_complete(f->sink.arg);
	strv_reset(&f->reports);
	/* An unfinished list is void. */
	f->sink.on_begin(f->sink.arg);
	item(f, "a", "zero", "x");
	f->sink.on_begin(f->sink.arg);
	item(f, "a", "two", "x");
	item(f, "a", "three", "y");
	/* Gone while the list came. */
	item(f, "a", "four", "x");
	struct err e;
	AUTO(json_freep) struct json *four = object_of("a", "four", "x");
	assert_int_equal(f->sink.on_item_gone(f->sink.arg, four, &e), 0);
	assert_int_equal(f->sink.on_item_gone(f->sink.arg, four, &e), 0);
	assert_int_equal(kube_cache_count(f->cache), 3);
	expect_index(f, 0, "x", "a/one b/one");
	expect_reports(f, "");
	f->sink.on_complete(f->sink.arg);
	/* What vanished, what came, and what stayed. */
	expect_reports(f, "a/one-> ->a/three a/two->a/two b/one->");
	assert_int_equal(f->count, 2);
	expect_index(f, 0, "x", "a/two");
	expect_index(f, 1, "b", "");
}

static void changes_are_applied(void **state)
{
	struct fixture *f = *state;
	list(f);
	f->sink.on_complete(f->sink.arg);
	strv_reset(&f->reports);
	change(f, KUBE_MODIFIED, "one", "z");
	change(f, KUBE_ADDED, "new", "x z");
	change(f, KUBE_DELETED, "two", "");
	change(f, KUBE_DELETED, "unknown", "");
	expect_reports(f, "a/one->a/one ->a/new a/two->");
	expect_index(f, 0, "x", "a/new b/one");
	expect_index(f, 0, "y", "");
	expect_index(f, 0, "z", "a/new a/one");
	assert_null(kube_cache_get(f->cache, "a", "two"));
}

static void text_is_kept_without_what_changes_by_itself(void **state)
{
	struct fixture *f = *state;
	struct err e = {0};
	kube_cache_free(f->cache);
	f->cache = kube_cache_new(&with_text, on_report, f);
	kube_cache_sink(f->cache, &f->sink);
	AUTO(json_freep) struct json *object = object_of("", "node", "g");
	assert_int_equal(f->sink.on_change(f->sink.arg, KUBE_ADDED, object, &e), 0);
	const struct kube_entry *node = kube_cache_get(f->cache, NULL, "node");
	assert_string_equal(node->key, "node");
	assert_string_equal(node->ns, "");
	assert_string_equal(node->text,
		"{\"metadata\":{\"name\":\"node\",\"uid\":\"u-node\",\"resourceVersion\":\"7\","
		"\"labels\":{}},\"spec\":{\"group\":\"g\"}}");
}

static void an_object_without_a_name_is_an_error(void **state)
{
	static const char *const texts[] = {
		"{}", "[]", "7", "{\"metadata\":{\"name\":\"\"}}", "{\"metadata\":{\"name\":7}}"};
	struct fixture *f = *state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct err e = {0};
		AUTO(json_freep) struct json *object = json_parse(texts[i], strlen(texts[i]), &e);
		assert_int_equal(f->sink.on_item(f->sink.arg, object, &e), -EINVAL);
		assert_int_equal(f->sink.on_change(f->sink.arg, KUBE_ADDED, object, &e), -EINVAL);
	}
}

/* Random changes and lists: indexes are always those of the entries. */
static void indexes_agree_with_entries(void **state)
{
	static const char *const groups[] = {"x", "y", "x y", "", "z x", "y y"};
	struct fixture *f = *state;
	unsigned int seed = 11;
	for (int round = 0; round < 3000; round++) {
		AUTO(mem_free) char *name = xasprintf("n%d", rand_r(&seed) % 40);
		const char *group = groups[(size_t)rand_r(&seed) % ARRAY_LEN(groups)];
		int what = rand_r(&seed) % 50;
		if (what == 0) {
			list(f);
			f->sink.on_complete(f->sink.arg);
		} else {
			change(f, what < 30 ? KUBE_MODIFIED : KUBE_DELETED, name, group);
		}
		strv_reset(&f->reports);
		size_t in_x = 0;
		for (size_t i = 0; i < kube_cache_count(f->cache); i++) {
			const struct kube_entry *entry = kube_cache_at(f->cache, i);
			if (strchr(entry->data, 'x') == NULL)
				continue;
			assert_ptr_equal(kube_cache_indexed(f->cache, 0, "x", in_x), entry);
			in_x++;
		}
		assert_null(kube_cache_indexed(f->cache, 0, "x", in_x));
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_list_counts_when_it_is_complete),
		TEST(a_second_list_replaces_in_one_step),
		TEST(changes_are_applied),
		TEST(text_is_kept_without_what_changes_by_itself),
		TEST(an_object_without_a_name_is_an_error),
		TEST(indexes_agree_with_entries),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
