/* The conditions of boot/host. */
#ifndef BOOT_HOST_HOST_CONDITIONS_H
#define BOOT_HOST_HOST_CONDITIONS_H

#include "lib/base/condition.h"

extern const struct condition_kind condition_address_in_tailnet_range;

#define CONDITION_ADDRESS_IN_TAILNET_RANGE (&condition_address_in_tailnet_range)

/* All of them, for the table of a program. */
#define HOST_CONDITIONS CONDITION_ADDRESS_IN_TAILNET_RANGE

#endif
