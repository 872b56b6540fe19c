/*
 * A list of devices, decoded one by one as it arrives: {"devices": [...]}. Memory: one item.
 *
 * The object of the whole answer must have the member once, with an array or null; an answer that
 * has none is not an empty list.
 */
#ifndef LIB_CONTROL_CONTROL_LIST_H
#define LIB_CONTROL_CONTROL_LIST_H

#include "lib/control/control_driver.h"

struct control_list;

typedef void (*control_device_fn)(void *arg, const struct control_device *device);

struct control_list *control_list_new(
	const struct control_driver *driver, control_device_fn fn, void *arg);
/* Also within the callback: nothing is reported after this. */
void control_list_free(struct control_list *list);

/* After an error only reset and free. -ECANCELED when the callback has freed the list. */
int control_list_feed(
	struct control_list *list, const char *data, size_t len, struct err *e) MUST_CHECK;
/* At the end of the answer. */
int control_list_finish(struct control_list *list, struct err *e) MUST_CHECK;
/* Devices that were reported. */
uint64_t control_list_count(const struct control_list *list);
/* Begins anew. */
void control_list_reset(struct control_list *list);

#endif
