/* The conditions of boot/datapath. */
#ifndef BOOT_DATAPATH_DATAPATH_CONDITIONS_H
#define BOOT_DATAPATH_DATAPATH_CONDITIONS_H

#include "lib/base/condition.h"

extern const struct condition_kind condition_firewall_failed;
extern const struct condition_kind condition_rules_lost;
extern const struct condition_kind condition_forwarding_off;
extern const struct condition_kind condition_flows_pending;

#define CONDITION_FIREWALL_FAILED (&condition_firewall_failed)
#define CONDITION_RULES_LOST (&condition_rules_lost)
#define CONDITION_FORWARDING_OFF (&condition_forwarding_off)
#define CONDITION_FLOWS_PENDING (&condition_flows_pending)

/* All of them, for the table of a program. */
#define DATAPATH_CONDITIONS                                                        \
	CONDITION_FIREWALL_FAILED, CONDITION_RULES_LOST, CONDITION_FORWARDING_OFF, \
		CONDITION_FLOWS_PENDING

#endif
