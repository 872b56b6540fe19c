/* The conditions of ingress. */
#ifndef INGRESS_INGRESS_CONDITIONS_H
#define INGRESS_INGRESS_CONDITIONS_H

#include "lib/base/condition.h"

extern const struct condition_kind condition_serve_config_invalid;
extern const struct condition_kind condition_serve_apply_failed;
extern const struct condition_kind condition_advertise_failed;
extern const struct condition_kind condition_cert_failed;
extern const struct condition_kind condition_ingress_config_invalid;
extern const struct condition_kind condition_ingress_service_failed;
extern const struct condition_kind condition_ingress_target_failed;
extern const struct condition_kind condition_dest_name_unresolved;

#define CONDITION_SERVE_CONFIG_INVALID (&condition_serve_config_invalid)
#define CONDITION_SERVE_APPLY_FAILED (&condition_serve_apply_failed)
#define CONDITION_ADVERTISE_FAILED (&condition_advertise_failed)
#define CONDITION_CERT_FAILED (&condition_cert_failed)
#define CONDITION_INGRESS_CONFIG_INVALID (&condition_ingress_config_invalid)
#define CONDITION_INGRESS_SERVICE_FAILED (&condition_ingress_service_failed)
#define CONDITION_INGRESS_TARGET_FAILED (&condition_ingress_target_failed)
#define CONDITION_DEST_NAME_UNRESOLVED (&condition_dest_name_unresolved)

/* All of them, for a program's table. */
#define INGRESS_CONDITIONS                                                                        \
	CONDITION_SERVE_CONFIG_INVALID, CONDITION_SERVE_APPLY_FAILED, CONDITION_ADVERTISE_FAILED, \
		CONDITION_CERT_FAILED, CONDITION_INGRESS_CONFIG_INVALID,                          \
		CONDITION_INGRESS_SERVICE_FAILED, CONDITION_INGRESS_TARGET_FAILED,                \
		CONDITION_DEST_NAME_UNRESOLVED

#endif
