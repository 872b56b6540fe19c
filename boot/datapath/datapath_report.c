#include "boot/datapath/datapath_report.h"

#include <string.h>

#include "boot/datapath/datapath_conditions.h"
#include "boot/datapath/datapath_events.h"
#include "lib/base/clock.h"
#include "lib/base/condition.h"
#include "lib/base/log.h"
#include "lib/nft/nft.h"

/* Another program that keeps editing is reported only from time to time. */
#define REPAIRED_EVERY_MS 30000

void datapath_report_failure(struct datapath_report *r, const struct err *why)
{
	condition_raise(r->conditions_ref, CONDITION_FIREWALL_FAILED, "%s", why->msg);
}

void datapath_report_lost(struct datapath_report *r, const struct err *why)
{
	condition_raise(r->conditions_ref, CONDITION_RULES_LOST, "%s", why->msg);
}

static void report_flows(struct datapath_report *r, const struct nft_result *result)
{
	if (result->flows_error.code < 0)
		condition_raise(
			r->conditions_ref, CONDITION_FLOWS_PENDING, "%s", result->flows_error.msg);
	else
		condition_clear(r->conditions_ref, CONDITION_FLOWS_PENDING);
}

void datapath_report_applied(struct datapath_report *r, const struct nft_result *result)
{
	condition_clear(r->conditions_ref, CONDITION_FIREWALL_FAILED);
	condition_clear(r->conditions_ref, CONDITION_RULES_LOST);
	log_event(EV_DATAPATH_APPLIED, result->transactions, result->elements, result->flows_ended);
	report_flows(r, result);
}

void datapath_report_repaired(struct datapath_report *r, const struct nft_result *result)
{
	uint64_t now_ms = clock_now_ms();
	condition_clear(r->conditions_ref, CONDITION_RULES_LOST);
	report_flows(r, result);
	if (result->repaired == NULL)
		return;
	if (r->repaired_ms != 0 && now_ms - r->repaired_ms < REPAIRED_EVERY_MS)
		return;
	r->repaired_ms = now_ms;
	log_event(EV_DATAPATH_REPAIRED, result->repaired);
}

void datapath_report_not_watched(struct datapath_report *r, const struct err *why)
{
	if (strcmp(r->not_watched.msg, why->msg) != 0)
		log_event(EV_DATAPATH_NOT_WATCHED, why->msg);
	r->not_watched = *why;
}
