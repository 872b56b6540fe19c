#include "statestore/statestore_conditions.h"

CONDITION_KIND(store_write_failed, "supervisor", CONDITION_WARNS, "StoreWriteFailed",
	"The published fields cannot be written", "fix what the reason names; it is tried again");
CONDITION_KIND(store_not_permitted, "supervisor", CONDITION_WARNS, "StoreNotPermitted",
	"The Secret may not be written, so nothing is published",
	"grant the missing verb to the service account and restart the pod");
