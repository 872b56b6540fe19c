/*
 * The reset of the state Secret at the start of a run: pure.
 */
#include <string.h>

#include "lib/base/mem.h"
#include "statestore/store_kube.h"

static bool holds(const struct kube_fields *fields, const char *key, const char *value)
{
	const struct kube_field *f = kube_fields_get(fields, key);
	return f != NULL && f->value != NULL && f->len == strlen(value) &&
	       memcmp(f->value, value, f->len) == 0;
}

void store_kube_plan_reset(const struct kube_fields *fields, const char *capver,
	const char *pod_uid, const char *config_authkey, struct kube_fields *changes)
{
	/* The device keys stay: an operator needs them to remove the old device. */
	static const char *const stale[] = {
		STORE_KEY_HTTPS_ENDPOINT, STORE_KEY_EGRESS_SERVICES, STORE_KEY_INGRESS_CONFIG};
	if (!holds(fields, STORE_KEY_CAPVER, capver))
		kube_fields_set(changes, STORE_KEY_CAPVER, capver, strlen(capver));
	if (pod_uid[0] != '\0' && !holds(fields, STORE_KEY_POD_UID, pod_uid))
		kube_fields_set(changes, STORE_KEY_POD_UID, pod_uid, strlen(pod_uid));
	for (size_t i = 0; i < ARRAY_LEN(stale); i++) {
		if (kube_fields_get(fields, stale[i]) != NULL)
			kube_fields_set(changes, stale[i], NULL, 0);
	}
	/* A request for a new key has been answered: the configuration has another key now. */
	if (kube_fields_get(fields, STORE_KEY_REISSUE_AUTHKEY) != NULL &&
		config_authkey[0] != '\0' &&
		!holds(fields, STORE_KEY_REISSUE_AUTHKEY, config_authkey))
		kube_fields_set(changes, STORE_KEY_REISSUE_AUTHKEY, NULL, 0);
}
