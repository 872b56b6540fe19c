/*
 * Directory watch: reports that something in a directory may have changed, so that its owner reads
 * again by path and compares the content. Understands symlink swaps of mounted volumes (`..data`),
 * rewrites in place, a directory that is absent, replaced or not a mount yet (the nearest existing
 * parent is watched until it appears), queue overflow (one more call), and a kernel without inotify
 * (polls every 5 s).
 *
 * Events within debounce_ms of each other give one call. The callback runs from the loop and never
 * from within fswatch_new. It is not called at the start: read once yourself after fswatch_new.
 */
#ifndef LIB_IO_FSWATCH_H
#define LIB_IO_FSWATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/err.h"

struct loop;
struct fswatch;

typedef void (*fswatch_fn)(void *arg);

struct fswatch *fswatch_new(
	struct loop *loop, const char *directory, uint32_t debounce_ms, fswatch_fn fn, void *arg);
/* Watches the directory that holds the file; path may be relative. */
struct fswatch *fswatch_new_for_file(
	struct loop *loop, const char *path, uint32_t debounce_ms, fswatch_fn fn, void *arg);
void fswatch_free(struct fswatch *w);
/* False while it polls because inotify is not available. */
bool fswatch_is_notified(const struct fswatch *w);

#endif
