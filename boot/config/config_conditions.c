#include "boot/config/config_conditions.h"

CONDITION_KIND(config_invalid, "supervisor", "ConfigInvalid",
	"The configuration file cannot be used", "correct the file");
CONDITION_KIND(config_reload_failed, "supervisor", "ConfigReloadFailed",
	"tailscaled did not take over the changed configuration",
	"correct the configuration; the one before stays in force");
