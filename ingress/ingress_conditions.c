#include "ingress/ingress_conditions.h"

CONDITION_KIND(serve_config_invalid, "supervisor", CONDITION_WARNS, "ServeConfigInvalid",
	"The serve configuration cannot be used",
	"correct the file; the last good one stays in force");
CONDITION_KIND(serve_apply_failed, "supervisor", CONDITION_WARNS, "ServeApplyFailed",
	"tailscaled did not accept the serve configuration", "see the reason; it is tried again");
CONDITION_KIND(advertise_failed, "supervisor", CONDITION_WARNS, "AdvertiseFailed",
	"The services could not be advertised", "see the reason; it is tried again");
CONDITION_KIND(cert_failed, "supervisor", CONDITION_WARNS, "CertFailed",
	"A certificate could not be obtained",
	"check that HTTPS is enabled for the network; it is tried again");
CONDITION_KIND(ingress_config_invalid, "data path", CONDITION_EXPLAINS, "IngressConfigInvalid",
	"The ingress services could not be read",
	"correct the file; the last good configuration stays in force");
CONDITION_KIND(ingress_service_failed, "data path", CONDITION_WARNS, "IngressServiceFailed",
	"An ingress service cannot be set up",
	"the reason names the service and the field; other services are not affected");
CONDITION_KIND(ingress_target_failed, "data path", CONDITION_EXPLAINS, "IngressTargetFailed",
	"The target in the cluster cannot be reached from this node",
	"give the node an address of the target's family");
CONDITION_KIND(dest_name_unresolved, "data path", CONDITION_EXPLAINS, "DestNameUnresolved",
	"The DNS name of the cluster target could not be resolved",
	"check the name and the DNS servers; the last known backends stay in use");
