#include "controller/permissions.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/buf.h"
#include "lib/base/json.h"
#include "lib/base/mem.h"

static void push(struct json *rule, const char *key, const char *word)
{
	struct json *list = json_new_array();
	json_push(list, json_new_str(word));
	json_set(rule, key, list);
}

/* Rules for all rows of a scope but one verb of one row. */
static struct json *rules_without(bool is_cluster_wide, size_t row, const char *verb)
{
	struct json *rules = json_new_array();
	for (size_t i = 0; i < permissions_len; i++) {
		AUTO(strv_fini) struct strv verbs = {0};
		str_words(permissions[i].verbs, &verbs);
		for (size_t j = 0; j < verbs.len; j++) {
			bool is_left_out = i == row && strcmp(verbs.items[j], verb) == 0;
			if (permissions[i].is_cluster_wide != is_cluster_wide || is_left_out)
				continue;
			struct json *rule = json_new_object();
			push(rule, "apiGroups", permissions[i].group);
			push(rule, "resources", permissions[i].resource);
			push(rule, "verbs", verbs.items[j]);
			json_push(rules, rule);
		}
	}
	return rules;
}

static void each_missing_verb_is_named(void **state)
{
	(void)state;
	for (size_t i = 0; i < permissions_len; i++) {
		AUTO(strv_fini) struct strv verbs = {0};
		bool is_cluster_wide = permissions[i].is_cluster_wide;
		str_words(permissions[i].verbs, &verbs);
		for (size_t j = 0; j < verbs.len; j++) {
			AUTO(strv_fini) struct strv missing = {0};
			AUTO(json_freep)
			struct json *rules = rules_without(is_cluster_wide, i, verbs.items[j]);
			AUTO(mem_free)
			char *want = xasprintf(
				"- {apiGroups: [\"%s\"], resources: [\"%s\"], verbs: [%s]}",
				permissions[i].group, permissions[i].resource, verbs.items[j]);
			permissions_missing(rules, is_cluster_wide, &missing);
			assert_int_equal(missing.len, 1);
			assert_string_equal(missing.items[0], want);
		}
	}
}

static void wildcards_cover_and_names_do_not(void **state)
{
	AUTO(strv_fini) struct strv missing = {0};
	AUTO(json_freep) struct json *rules = json_new_array();
	struct json *rule = json_new_object();
	(void)state;
	push(rule, "apiGroups", "*");
	push(rule, "resources", "*");
	push(rule, "verbs", "*");
	json_push(rules, rule);
	permissions_missing(rules, true, &missing);
	permissions_missing(rules, false, &missing);
	assert_int_equal(missing.len, 0);
	push(rule, "resourceNames", "one");
	permissions_missing(rules, true, &missing);
	permissions_missing(rules, false, &missing);
	assert_int_equal(missing.len, permissions_len);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_missing_verb_is_named),
		cmocka_unit_test(wildcards_cover_and_names_do_not),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
