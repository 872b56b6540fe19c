/* The log events of the proxy groups. How a row reads: lib/base/log_events.h. */
#ifndef CONTROLLER_PROXYGROUP_GROUP_EVENTS_H
#define CONTROLLER_PROXYGROUP_GROUP_EVENTS_H

#include "lib/base/log.h"

/* clang-format off */

/* controller/proxygroup: keys and devices */
#define EV_GROUP_KEY "group.key", LOG_LEVEL_INFO, "group,key,ordinal", "group %s: key %s was created for replica %d"
#define EV_GROUP_DEVICE "group.device", LOG_LEVEL_INFO, "group,device", "group %s: device %s is deleted"

/* clang-format on */

#endif
