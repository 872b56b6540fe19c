#include "boot/bus/bus_conditions.h"

CONDITION_KIND(bus_lost, "supervisor", CONDITION_BLOCKS_AFTER_GRACE, "BusLost",
	"The stream of notifications from tailscaled has ended", "it is opened again by itself");
