#include "boot/daemon/daemon_conditions.h"

CONDITION_KIND(daemon_down, "supervisor", CONDITION_BLOCKS_AFTER_GRACE, "DaemonDown",
	"tailscaled is not running", "see its last log lines; it is started again");
CONDITION_KIND(daemon_mute, "supervisor", CONDITION_BLOCKS, "DaemonMute",
	"tailscaled runs and does not answer",
	"see its last log lines, and whether it gets processor time; it is started again after "
	"TAILBOOT_DAEMON_MUTE_TIMEOUT");
CONDITION_KIND(capability_differs, "supervisor", CONDITION_WARNS, "CapabilityDiffers",
	"tailscale and tailscaled are of different releases",
	"use an image with both of one release; what tailscaled says counts");
CONDITION_KIND(daemon_crash_loop, "supervisor", CONDITION_BLOCKS, "DaemonCrashLoop",
	"tailscaled ends again and again", "see its last log lines");
CONDITION_KIND(ca_file_invalid, "supervisor", CONDITION_WARNS, "CaFileInvalid",
	"TAILBOOT_CA_FILE cannot be used",
	"correct the file; the last good certificates stay in force");
