/* The log events of health. How a row reads: lib/base/log_events.h. */
#ifndef HEALTH_HEALTH_EVENTS_H
#define HEALTH_HEALTH_EVENTS_H

#include "lib/base/log.h"

/* clang-format off */

/* health */
#define EV_HEALTH_SET "health.set", LOG_LEVEL_INFO, "healthy", "Setting healthy %s"
#define EV_HEALTH_ENDPOINT "health.endpoint", LOG_LEVEL_INFO, "address", "Running healthcheck endpoint at %s/healthz"
#define EV_DRAIN_ENDPOINT "drain.endpoint", LOG_LEVEL_INFO, "address,path", "Running egress preshutdown hook at %s%s"
#define EV_METRICS_ENDPOINT "metrics.endpoint", LOG_LEVEL_INFO, "address", "Running metrics endpoint at %s/metrics"

/* clang-format on */

#endif
