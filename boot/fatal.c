#include "boot/fatal.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"

/* As in the table of settings. */
/* kubelet reads at most this much of the file. */
#define TERMINATION_MESSAGE_MAX 4096

static const struct fatal_row rows[FATAL_CAUSE_COUNT] = {
	[FATAL_STOP_REQUESTED] = {"stop requested", 0, true, false},
	[FATAL_KEY_REISSUED] = {"auth key re-issued", 0, false, false},
	[FATAL_SETTINGS] = {"settings", 1, false, true},
	[FATAL_BOOT_STEP] = {"boot step failed", 1, false, true},
	[FATAL_BOOT_DEADLINE] = {"boot deadline", 1, false, true},
	[FATAL_DAEMON_NEVER_RAN] = {"daemon never ran", 1, false, true},
	[FATAL_CRASH_BUDGET] = {"daemon crash budget used up", 3, true, true},
	[FATAL_LOOP] = {"event loop failed", 4, true, true},
};

const struct fatal_row *fatal_row(enum fatal_cause cause)
{
	return &rows[cause];
}

void fatal_write_termination(const char *path, const char *sentence)
{
	/* No O_CREAT: the runtime makes the file; elsewhere a stray file would only be a
	 * nuisance. */
	AUTO(fd_close) int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return;
	size_t len = str_cut(sentence, strlen(sentence), TERMINATION_MESSAGE_MAX);
	if (write(fd, sentence, len) < 0)
		return;
}
