#include "boot/daemon/daemon_conditions.h"

CONDITION_KIND(daemon_down, "supervisor", CONDITION_BLOCKS_AFTER_GRACE, "DaemonDown",
	"tailscaled is not running", "see its last log lines; it is started again");
CONDITION_KIND(daemon_crash_loop, "supervisor", CONDITION_BLOCKS, "DaemonCrashLoop",
	"tailscaled ends again and again", "see its last log lines");
