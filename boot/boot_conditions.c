#include "boot/boot_conditions.h"

#include "boot/bus/bus_conditions.h"
#include "boot/config/config_conditions.h"
#include "boot/daemon/daemon_conditions.h"
#include "boot/datapath/datapath_conditions.h"
#include "boot/host/host_conditions.h"
#include "boot/login/login_conditions.h"
#include "egress/egress_conditions.h"
#include "ingress/ingress_conditions.h"
#include "lib/base/mem.h"
#include "statestore/statestore_conditions.h"

CONDITION_KIND(not_running, "supervisor", CONDITION_BLOCKS, "NotRunning",
	"The node is not in state Running", "see the other conditions");

static const struct condition_kind *const kinds[] = {
	LOGIN_CONDITIONS,
	DAEMON_CONDITIONS,
	CONDITION_BUS_LOST,
	CONDITION_NOT_RUNNING,
	CONDITION_KEY_REISSUE_PENDING,
	HOST_CONDITIONS,
	CONFIG_CONDITIONS,
	DATAPATH_CONDITIONS,
	STATESTORE_CONDITIONS,
	INGRESS_CONDITIONS,
	EGRESS_CONDITIONS,
};

void boot_conditions_add(struct condition_set *set)
{
	condition_set_add(set, kinds, ARRAY_LEN(kinds));
}
