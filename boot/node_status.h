/*
 * The line that a service manager shows about the node (systemctl status). Pure: it follows from
 * the state of the node's table and the raised conditions.
 */
#ifndef BOOT_NODE_STATUS_H
#define BOOT_NODE_STATUS_H

#include <stdbool.h>

#include "boot/node_table.h"

#define NODE_STATUS_MAX 384

struct condition_set;

/* What the node waits for or does; "CODE: reason" while a condition blocks it. A steady node is
 * running only when its start-up is complete. */
void node_status_format(enum node_state state, bool startup_complete,
	const struct condition_set *conditions, char out[static NODE_STATUS_MAX]);

#endif
