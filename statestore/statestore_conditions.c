#include "statestore/statestore_conditions.h"

CONDITION_KIND(store_write_failed, "supervisor", "StoreWriteFailed",
	"The published fields cannot be written",
	"check the API server and the permissions on the Secret; it is tried again");
