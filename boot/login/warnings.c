#include "boot/login/warnings.h"

#include <stddef.h>

#include "boot/login/login_conditions.h"
#include "lib/base/mem.h"
#include "lib/localapi/ipnbus.h"

static const struct {
	const char *warning;
	const struct condition_kind *kind;
} table[] = {
	{"state-store-health", CONDITION_STATE_STORE_FAILED},
	{"tailnet-lock", CONDITION_NODE_LOCKED},
	{"network-status", CONDITION_NETWORK_DOWN},
	{"router", CONDITION_ROUTER_FAILED},
};

void warnings_update(
	struct warnings *w, struct condition_set *conditions, const struct ipn_notify *n)
{
	w->standing = 0;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		const struct ipn_warning *warning = ipn_notify_warning(n, table[i].warning);
		if (warning == NULL) {
			condition_clear(conditions, table[i].kind);
			continue;
		}
		w->standing |= 1u << i;
		condition_raise(conditions, table[i].kind, "%s",
			warning->text[0] != '\0' ? warning->text : warning->title);
	}
}

bool warnings_stands(const struct warnings *w, const struct condition_kind *kind)
{
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		if (table[i].kind == kind && (w->standing & (1u << i)) != 0)
			return true;
	}
	return false;
}
