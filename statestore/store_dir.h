/*
 * Published fields in a folder: one file for each key under STATE_DIR/published/, atomic, mode
 * 0600, so that Docker, systemd and Nomad users get all that a Secret gives. The daemon's own keys
 * are those of its state file STATE_DIR/tailscaled.state.
 */
#ifndef STATESTORE_STORE_DIR_H
#define STATESTORE_STORE_DIR_H

#include "lib/base/err.h"
#include "statestore/statestore.h"

#define STORE_DIR_PUBLISHED "published"

struct loop;

/* Makes the folder (0700) when it is absent. */
int store_dir_backend(struct loop *loop, const char *state_dir, struct statestore_backend *out,
	struct err *e) MUST_CHECK;
/* Tells the store what the files hold already. */
void store_dir_load_known(const char *state_dir, struct statestore *s);

#endif
