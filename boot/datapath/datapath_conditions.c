#include "boot/datapath/datapath_conditions.h"

CONDITION_KIND(firewall_failed, "data path", CONDITION_EXPLAINS, "FirewallFailed",
	"The firewall rules could not be written",
	"see the reason; the old rules stay in force, and it is tried again");
CONDITION_KIND(rules_lost, "data path", CONDITION_BLOCKS, "RulesLost",
	"Rules in force were changed by another program and could not be restored",
	"see the reason; it is tried again");
CONDITION_KIND(forwarding_off, "data path", CONDITION_BLOCKS, "ForwardingOff",
	"The kernel does not forward packets of a family in use",
	"allow the container to write the switch that is named, or switch it on outside: "
	"securityContext.sysctls of the Pod, --sysctl of Docker");
CONDITION_KIND(flows_pending, "data path", CONDITION_WARNS, "FlowsPending",
	"Connections from before the last change of rules may still lead to old targets",
	"see the reason; it is tried again, and new connections follow the rules");
