/* The conditions of egress. */
#ifndef EGRESS_EGRESS_CONDITIONS_H
#define EGRESS_EGRESS_CONDITIONS_H

#include "lib/base/condition.h"

extern const struct condition_kind condition_egress_config_invalid;
extern const struct condition_kind condition_egress_service_failed;
extern const struct condition_kind condition_egress_target_unknown;
extern const struct condition_kind condition_egress_target_silent;

#define CONDITION_EGRESS_CONFIG_INVALID (&condition_egress_config_invalid)
#define CONDITION_EGRESS_SERVICE_FAILED (&condition_egress_service_failed)
#define CONDITION_EGRESS_TARGET_UNKNOWN (&condition_egress_target_unknown)
#define CONDITION_EGRESS_TARGET_SILENT (&condition_egress_target_silent)

/* All of them, for a program's table. */
#define EGRESS_CONDITIONS                                                 \
	CONDITION_EGRESS_CONFIG_INVALID, CONDITION_EGRESS_SERVICE_FAILED, \
		CONDITION_EGRESS_TARGET_UNKNOWN, CONDITION_EGRESS_TARGET_SILENT

#endif
