#include "boot/config/config_conditions.h"

CONDITION_KIND(config_invalid, "supervisor", CONDITION_EXPLAINS, "ConfigInvalid",
	"The configuration file cannot be used", "correct the file");
CONDITION_KIND(config_reload_failed, "supervisor", CONDITION_WARNS, "ConfigReloadFailed",
	"tailscaled did not accept the changed configuration",
	"correct the configuration; the last good one stays in force");
