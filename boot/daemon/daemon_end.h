/*
 * Why a process of the daemon has ended, as text: its exit status or signal, whether memory was
 * short, and the last line that it wrote. For that its standard error passes through us; output
 * that we have not read yet is lost when we are killed, and the daemon dies with us.
 *
 *	daemon_end_begin(&end); // a process is about to be started
 *	daemon_end_feed(&end, data, len);
 *	daemon_end_format(&end, wstatus, text, sizeof(text));
 */
#ifndef BOOT_DAEMON_DAEMON_END_H
#define BOOT_DAEMON_DAEMON_END_H

#include <stddef.h>

#include "boot/daemon/oom.h"
#include "boot/output/relay.h"

struct daemon_end {
	struct oom oom;
	struct relay relay; /* of standard error */
};

/* root is where /proc and /sys are; mask is borrowed. */
void daemon_end_init(struct daemon_end *end, const char *root, const struct mask *mask);
void daemon_end_fini(struct daemon_end *end);
/* Begins the next process. */
void daemon_end_begin(struct daemon_end *end);
/* Takes its standard error as it arrives, and passes it on. */
void daemon_end_feed(struct daemon_end *end, const char *data, size_t len);
/* It has ended; wstatus as of waitpid. */
void daemon_end_format(struct daemon_end *end, int wstatus, char *out, size_t size);
/* The last line that it has written, "" when there is none; its end when it is long. */
void daemon_end_last_line(const struct daemon_end *end, char *out, size_t size);

#endif
