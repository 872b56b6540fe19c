#include "boot/host/host_conditions.h"

CONDITION_KIND(address_in_tailnet_range, "supervisor", CONDITION_EXPLAINS, "AddressInTailnetRange",
	"An address of the Pod is in 100.64.0.0/10, the range of the tailnet",
	"another range for Pods; or --netfilter-mode=nodivert, for health checks, connections of the "
	"Pod and egress; or the node attribute disable-linux-cgnat-drop-rule, for the first two");
