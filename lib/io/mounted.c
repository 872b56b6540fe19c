#include "lib/io/mounted.h"

#include <errno.h>
#include <stdlib.h>

#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/io/atomicfile.h"

/* Pauses between two tries to read an existing file. */
#define READ_BASE_MS 1000
#define READ_MAX_MS 30000

void mounted_init(
	struct mounted *m, struct loop *loop, const char *path, void (*look)(void *arg), void *arg)
{
	*m = (struct mounted){
		.path = xstrdup(path), .backoff = BACKOFF_INIT(READ_BASE_MS, READ_MAX_MS)};
	timer_init(&m->again, loop, look, arg);
}

void mounted_fini(struct mounted *m)
{
	timer_stop(&m->again);
	free(STEAL(m->path));
}

static bool is_doubtful(struct mounted *m, bool is_empty)
{
	uint64_t now = clock_now_ms();
	if (is_empty && m->empty_since_ms == 0)
		m->empty_since_ms = now;
	if (!is_empty || now - m->empty_since_ms >= MOUNTED_DOUBT_MS) {
		m->empty_since_ms = 0;
		return false;
	}
	timer_start_at(&m->again, m->empty_since_ms + MOUNTED_DOUBT_MS);
	return true;
}

int mounted_read(struct mounted *m, bool had_content, struct buf *text, struct err *e)
{
	int code = atomicfile_read(m->path, text, e);
	if (code < 0 && code != -ENOENT && code != -ENOTDIR) {
		m->empty_since_ms = 0;
		timer_start(&m->again, backoff_next(&m->backoff));
		return code;
	}
	timer_stop(&m->again);
	backoff_reset(&m->backoff);
	return is_doubtful(m, text->len == 0 && had_content) ? 1 : 0;
}
