/*
 * Published fields in a folder: one file for each key under STATE_DIR/published/, atomic, mode
 * 0600, so that Docker, systemd and Nomad users get all that a Secret gives. The daemon's own keys
 * are those of its state file STATE_DIR/tailscaled.state.
 */
#ifndef STATESTORE_STORE_DIR_H
#define STATESTORE_STORE_DIR_H

#include "statestore/statestore.h"

#define STORE_DIR_PUBLISHED "published"

struct loop;

/* The folder is made (0700) by the first write, so that a volume that takes nothing is a write that
 * failed, and no reason not to start. */
void store_dir_backend(struct loop *loop, const char *state_dir, struct statestore_backend *out);
/* Makes known to the store what the files hold already, and removes what a run that was killed in
 * the middle of a write has left. */
void store_dir_load_known(const char *state_dir, struct statestore *s);

#endif
