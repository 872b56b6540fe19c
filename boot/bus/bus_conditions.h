/* The conditions of boot/bus. */
#ifndef BOOT_BUS_BUS_CONDITIONS_H
#define BOOT_BUS_BUS_CONDITIONS_H

#include "lib/base/condition.h"

extern const struct condition_kind condition_bus_lost;

#define CONDITION_BUS_LOST (&condition_bus_lost)

#endif
