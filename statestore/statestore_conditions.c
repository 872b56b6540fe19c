#include "statestore/statestore_conditions.h"

CONDITION_KIND(store_write_failed, "supervisor", CONDITION_WARNS, "StoreWriteFailed",
	"The published fields cannot be written",
	"make the place that is named take writes; it is tried again");
