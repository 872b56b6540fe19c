#include "statestore/store_kube.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/mem.h"

/* Fields are words "key=value", changes the same or "key-". */
static const struct row {
	const char *fields;
	const char *pod_uid;
	const char *config_authkey;
	const char *changes;
} rows[] = {
	{"", "", "", "tailscale_capver=142"},
	{"", "uid", "", "tailscale_capver=142 pod_uid=uid"},
	{"tailscale_capver=142 pod_uid=uid", "uid", "", ""},
	{"tailscale_capver=131 pod_uid=old", "uid", "", "tailscale_capver=142 pod_uid=uid"},
	{"tailscale_capver=142 pod_uid=old", "", "", ""},
	/* What others would trust goes. */
	{"tailscale_capver=142 https_endpoint=x egress-services= ingress-config.json=y", "", "",
		"https_endpoint- egress-services- ingress-config.json-"},
	/* What an operator needs to clean up stays, and what is not ours. */
	{"tailscale_capver=142 device_id=n device_fqdn=f device_ips=i authkey=k _profiles=p", "",
		"", ""},
	/* A request for a key goes once it is answered. */
	{"tailscale_capver=142 reissue_authkey=old", "", "new", "reissue_authkey-"},
	{"tailscale_capver=142 reissue_authkey=same", "", "same", ""},
	{"tailscale_capver=142 reissue_authkey=old", "", "", ""},
	{"tailscale_capver=142 reissue_authkey=", "", "new", "reissue_authkey-"},
	{"tailscale_capver=142", "", "new", ""},
};

static void parse(const char *text, struct kube_fields *out)
{
	AUTO(strv_fini) struct strv words = {0};
	str_words(text, &words);
	for (size_t i = 0; i < words.len; i++) {
		char *value = strchr(words.items[i], '=');
		*value++ = '\0';
		kube_fields_set(out, words.items[i], value, strlen(value));
	}
}

static void a_reset_changes_what_must_change(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(kube_fields_fini) struct kube_fields fields = {0};
		AUTO(kube_fields_fini) struct kube_fields changes = {0};
		AUTO(strv_fini) struct strv words = {0};
		parse(rows[i].fields, &fields);
		store_kube_plan_reset(
			&fields, "142", rows[i].pod_uid, rows[i].config_authkey, &changes);
		for (size_t j = 0; j < changes.len; j++) {
			const struct kube_field *f = &changes.items[j];
			if (f->value != NULL)
				strv_pushf(&words, "%s=%s", f->key, f->value);
			else
				strv_pushf(&words, "%s-", f->key);
		}
		AUTO(mem_free) char *text = strv_join(&words, " ");
		assert_string_equal(text, rows[i].changes);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_reset_changes_what_must_change),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
