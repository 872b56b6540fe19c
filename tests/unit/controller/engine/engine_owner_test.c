#include "controller/engine/engine_owner.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/json.h"
#include "lib/base/mem.h"

#define OWNED(name, uid)                                                          \
	"{\"metadata\":{\"ownerReferences\":[{\"kind\":\"Other\",\"uid\":\"x\"}," \
	"{\"kind\":\"Group\",\"name\":\"" name "\",\"uid\":\"" uid "\",\"controller\":true}]}}"
#define LABELLED(labels) "{\"metadata\":{\"labels\":{" labels "}}}"

struct row {
	const char *desired, *live;
	enum kube_outcome outcome;
	const char *sentence; /* a part of it */
};

static const struct row rows[] = {
	{OWNED("g", "1"), OWNED("g", "1"), KUBE_OK, NULL},
	{OWNED("g", "1"), OWNED("h", "2"), KUBE_EXISTS, "belongs to Group h"},
	/* Of a former group of that name: gone soon. */
	{OWNED("g", "1"), OWNED("g", "0"), KUBE_CONFLICT, "being deleted"},
	{OWNED("g", "1"), LABELLED("\"a\":\"b\""), KUBE_EXISTS, "was not made by"},
	{OWNED("g", "1"), "{}", KUBE_EXISTS, "was not made by"},
	{OWNED("g", "1"), "{\"metadata\":{\"ownerReferences\":7}}", KUBE_EXISTS, "was not made"},
	{LABELLED("\"a\":\"b\""), LABELLED("\"a\":\"b\",\"c\":\"d\""), KUBE_OK, NULL},
	{LABELLED("\"a\":\"b\""), LABELLED("\"a\":\"c\""), KUBE_EXISTS, "was not made by"},
	/* What has no label proves nothing. */
	{"{}", "{}", KUBE_EXISTS, "was not made by"},
	{LABELLED("\"a\":\"b\""),
		"{\"metadata\":{\"labels\":{\"a\":\"b\"},\"deletionTimestamp\":\"t\"}}",
		KUBE_CONFLICT, "being deleted"},
};

static void an_object_in_the_way_has_an_owner(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err e = {0};
		struct err bad;
		AUTO(json_freep)
		struct json *desired = json_parse(rows[i].desired, strlen(rows[i].desired), &bad);
		AUTO(json_freep)
		struct json *live = json_parse(rows[i].live, strlen(rows[i].live), &bad);
		assert_int_equal(engine_owner_check(desired, live, &e), rows[i].outcome);
		if (rows[i].sentence != NULL)
			assert_non_null(strstr(e.msg, rows[i].sentence));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_object_in_the_way_has_an_owner),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
