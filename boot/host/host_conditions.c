#include "boot/host/host_conditions.h"

CONDITION_KIND(address_in_tailnet_range, "supervisor", CONDITION_EXPLAINS, "AddressInTailnetRange",
	"An address of the Pod is in 100.64.0.0/10, the range of the tailnet",
	"a cluster whose Pods have addresses of another range");
