/*
 * Published fields in a folder: one file per key under STATE_DIR/published/, written atomically,
 * mode 0600, so that Docker, systemd and Nomad users get everything that a Secret offers. The
 * daemon's own keys are those of its state file STATE_DIR/tailscaled.state.
 */
#ifndef STATESTORE_STORE_DIR_H
#define STATESTORE_STORE_DIR_H

#include "statestore/statestore.h"

#define STORE_DIR_PUBLISHED "published"

struct loop;

/* The folder is created (0700) by the first write, so that an unwritable volume makes a write fail
 * and does not prevent the start. */
void store_dir_backend(struct loop *loop, const char *state_dir, struct statestore_backend *out);
/* Passes the values already in the files to the store, and removes temporary files of a run that
 * was killed during a write. */
void store_dir_load_known(const char *state_dir, struct statestore *s);

#endif
