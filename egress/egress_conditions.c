#include "egress/egress_conditions.h"

CONDITION_KIND(egress_config_invalid, "data path", CONDITION_EXPLAINS, "EgressConfigInvalid",
	"The egress services could not be read",
	"correct the file; the last good configuration stays in force");
CONDITION_KIND(egress_service_failed, "data path", CONDITION_WARNS, "EgressServiceFailed",
	"An egress service cannot be set up",
	"the reason names the service and the field; other services are not affected");
CONDITION_KIND(egress_target_unknown, "data path", CONDITION_EXPLAINS, "EgressTargetUnknown",
	"The target in the tailnet cannot be found or reached",
	"check its name and that access rules let this node see it");
CONDITION_KIND(egress_target_silent, "data path", CONDITION_WARNS, "EgressTargetSilent",
	"A target in the tailnet does not answer through the tunnel; traffic is let in nevertheless",
	"check that this peer is online, and what leads to it; it is asked again until it answers");
