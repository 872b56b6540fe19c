#include "lib/kube/kube_watch_table.h"

#include <stdio.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Every pair, in the order of the enums; "-" changes nothing. */
static const char *const cells[KUBE_WATCH_STATES][KUBE_WATCH_EVENTS] = {
	/* Due, DueStream, Page, Listed, Opened, Synced, Ended, Failed, Silent, Expired, Refused */
	{"InitPage list", "InitialWatch list-stream", "-", "-", "-", "-", "-", "-", "-", "-", "-"},
	{"-", "-", "InitPage next", "InitListed complete+open", "-", "-", "-", "Empty later", "-",
		"Empty again", "Empty later"},
	{"-", "-", "-", "-", "-", "Watching complete", "Empty later", "Empty later", "Empty later",
		"Empty again", "InitPage list-instead"},
	{"InitListed open", "InitListed open", "-", "-", "Watching nothing", "-", "-",
		"InitListed later", "-", "Empty again", "Empty later"},
	{"-", "-", "-", "-", "-", "-", "InitListed resume", "InitListed later", "InitListed later",
		"Empty again", "Empty later"},
};

static const char *const actions[] = {
	[KUBE_WATCH_NOTHING] = "nothing",
	[KUBE_WATCH_LIST] = "list",
	[KUBE_WATCH_LIST_NEXT] = "next",
	[KUBE_WATCH_LIST_INSTEAD] = "list-instead",
	[KUBE_WATCH_LIST_STREAM] = "list-stream",
	[KUBE_WATCH_OPEN] = "open",
	[KUBE_WATCH_COMPLETE] = "complete",
	[KUBE_WATCH_COMPLETE_OPEN] = "complete+open",
	[KUBE_WATCH_RESUME] = "resume",
	[KUBE_WATCH_AGAIN] = "again",
	[KUBE_WATCH_LATER] = "later",
};

static void every_cell_is_as_documented(void **state)
{
	(void)state;
	for (int s = 0; s < KUBE_WATCH_STATES; s++) {
		for (int event = 0; event < KUBE_WATCH_EVENTS; event++) {
			const struct kube_watch_cell *cell = kube_watch_cell(
				(enum kube_watch_state)s, (enum kube_watch_event)event);
			char text[64] = "-";
			if (cell != NULL)
				snprintf(text, sizeof(text), "%s %s",
					kube_watch_state_name(cell->next), actions[cell->action]);
			assert_string_equal(text, cells[s][event]);
		}
	}
}

/* From every state a list or a watch is reached: no failure is the last word. */
static void every_failure_leads_to_another_try(void **state)
{
	(void)state;
	for (int s = 0; s < KUBE_WATCH_STATES; s++) {
		for (int event = KUBE_WATCH_ENDED; event < KUBE_WATCH_EVENTS; event++) {
			const struct kube_watch_cell *cell = kube_watch_cell(
				(enum kube_watch_state)s, (enum kube_watch_event)event);
			if (cell == NULL || cell->action == KUBE_WATCH_LIST_INSTEAD)
				continue;
			assert_true(cell->action >= KUBE_WATCH_RESUME);
			assert_non_null(kube_watch_cell(cell->next, KUBE_WATCH_DUE));
			assert_non_null(kube_watch_cell(cell->next, KUBE_WATCH_DUE_STREAM));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_cell_is_as_documented),
		cmocka_unit_test(every_failure_leads_to_another_try),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
