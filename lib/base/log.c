#include "lib/base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/str.h"

/* At most PIPE_BUF, so that the kernel writes a line whole or not at all (pipe(7)). */
#define LINE_MAX_BYTES 4096
#define CLOCK_FORMAT "%Y/%m/%d %H:%M:%S "
/* One byte before the prefix for the end of a torn line, one after the text for its own line
 * end. */
#define TEXT_MAX (LINE_MAX_BYTES - (int)sizeof("2026/01/31 23:59:59 ") - 2)
/* One character larger than the limit, so that the place of the cut can be chosen. */
#define SCRATCH (TEXT_MAX + 4)
#define PREFIX_MAX 64
#define REPEAT_WINDOW_MS 10000

/* How the last write ended. */
enum tail {
	TAIL_WHOLE, /* with its line end */
	TAIL_TORN,  /* the remaining part is lost */
	TAIL_OPEN,  /* a child's line, and more of it may come */
};

static struct {
	const char *prefix;
	log_form_fn form; /* NULL = text */
	int fd;           /* private descriptor; -1 = use descriptor 2 */
	bool is_socket;
	enum tail tail;
	enum log_level level;
	uint64_t dropped;
	uint64_t dropped_reported; /* of these, already reported in a line of the log */
	log_sink_fn sink;
	void *sink_arg;
} out = {.prefix = "", .fd = -1, .level = LOG_LEVEL_INFO};

static struct {
	char text[SCRATCH]; /* "" = nothing to compare with */
	uint64_t since_ms;
	uint64_t count;
} last;

void log_init(const char *prefix)
{
	struct stat st;
	out.prefix = prefix;
	if (out.fd >= 0)
		close(out.fd);
	out.fd = -1;
	out.is_socket = false;
	out.tail = TAIL_WHOLE;
	out.dropped_reported = out.dropped;
	tzset();
	if (fstat(STDERR_FILENO, &st) < 0)
		return;
	out.is_socket = S_ISSOCK(st.st_mode);
	/* O_NONBLOCK belongs to the open file description, which descriptor 2 shares with our
	 * parent; a second description of the same pipe or terminal is ours alone. Not for regular
	 * files: a new description has its own offset and would overwrite. */
	if (!S_ISFIFO(st.st_mode) && !isatty(STDERR_FILENO))
		return;
	int fd = open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return;
	/* Where a standard descriptor is closed, open has just filled the gap. */
	out.fd = fd > STDERR_FILENO ? fd : fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	if (out.fd != fd)
		close(fd);
}

static bool is_writable(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLOUT};
	return poll(&p, 1, 0) == 1 && (p.revents & POLLOUT) != 0;
}

/* Never blocks. Descriptor 2 is asked first: a pipe that polls writable takes PIPE_BUF bytes. */
static ssize_t write_now(const char *line, size_t len)
{
	if (out.fd >= 0)
		return write(out.fd, line, len);
	if (out.is_socket)
		return send(STDERR_FILENO, line, len, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (!is_writable(STDERR_FILENO)) {
		errno = EAGAIN;
		return -1;
	}
	return write(STDERR_FILENO, line, len);
}

static ssize_t write_retrying(const char *bytes, size_t len)
{
	ssize_t n;
	do
		n = write_now(bytes, len);
	while (n < 0 && errno == EINTR);
	return n;
}

/* The text form of a line, with its line end. Returns its length. */
static size_t form_text(char *line, size_t size, const struct log_record *record)
{
	char *p = line;
	struct tm tm;
	localtime_r(&record->wall, &tm);
	p = mempcpy(p, out.prefix, strnlen(out.prefix, PREFIX_MAX));
	p += strftime(p, size - (size_t)(p - line), CLOCK_FORMAT, &tm);
	size_t room = size - 1 - (size_t)(p - line);
	p = mempcpy(p, record->text, str_cut(record->text, strlen(record->text), room));
	*p++ = '\n';
	return (size_t)(p - line);
}

/* False when it was not written whole. */
static bool write_record(struct log_record *record)
{
	char line[LINE_MAX_BYTES];
	size_t torn = out.tail != TAIL_WHOLE ? 1 : 0;
	line[0] = '\n';
	record->wall = clock_wall();
	log_form_fn form = out.form != NULL ? out.form : form_text;
	size_t len = torn + form(line + torn, sizeof(line) - torn, record);
	ssize_t n = write_retrying(line, len);
	if (n > 0)
		out.tail = (size_t)n == len ? TAIL_WHOLE : TAIL_TORN;
	return n == (ssize_t)len;
}

static void __attribute__((format(printf, 4, 5)))
write_event(const char *id, enum log_level level, const char *fields, const char *fmt, ...)
{
	char text[128];
	uint64_t dropped = out.dropped;
	va_list args, again;
	va_start(args, fmt);
	va_copy(again, args);
	vsnprintf(text, sizeof(text), fmt, args);
	struct log_record record = {.id = id,
		.level = level,
		.fields = fields,
		.fmt = fmt,
		.args = &again,
		.text = text};
	if (write_record(&record))
		out.dropped_reported = dropped;
	va_end(again);
	va_end(args);
}

void log_report_dropped(void)
{
	int saved = errno;
	/* A short line may fit where the lost one did not; the reader must have read something. */
	if (out.dropped != out.dropped_reported &&
		is_writable(out.fd >= 0 ? out.fd : STDERR_FILENO))
		write_event(
			EV_LOG_DROPPED, (unsigned long long)(out.dropped - out.dropped_reported));
	errno = saved;
}

/* Lost lines are reported before the next line. */
static void deliver(struct log_record *record)
{
	if (out.sink != NULL) {
		out.sink(out.sink_arg, record->id, record->level, record->text);
		return;
	}
	log_report_dropped();
	if (out.dropped != out.dropped_reported || !write_record(record))
		out.dropped++;
}

/* Blanks what could end the line or steer a terminal: C0 but the tab, DEL, and C1 in UTF-8. */
static void blank_controls(char *text)
{
	for (unsigned char *p = (unsigned char *)text; *p != '\0'; p++) {
		if ((*p < ' ' && *p != '\t') || *p == 0x7f) {
			*p = ' ';
		} else if (*p == 0xc2 && p[1] >= 0x80 && p[1] <= 0x9f) {
			p[0] = ' ';
			p[1] = ' ';
		}
	}
}

static void __attribute__((format(printf, 2, 0)))
format(char text[static SCRATCH], const char *fmt, va_list args)
{
	int n = vsnprintf(text, SCRATCH, fmt, args);
	if (n < 0)
		text[0] = '\0';
	text[str_cut(text, strlen(text), TEXT_MAX)] = '\0';
	blank_controls(text);
}

/* True when the line repeats the one before and is counted instead of written. */
static bool is_repeated(enum log_level level, const char *text);

/* With or without the comparison with the line before. */
static void __attribute__((format(printf, 5, 0))) emit(bool compares, const char *id,
	enum log_level level, const char *fields, const char *fmt, va_list args)
{
	char text[SCRATCH];
	va_list again;
	va_copy(again, args);
	format(text, fmt, args);
	struct log_record record = {.id = id,
		.level = level,
		.fields = fields,
		.fmt = fmt,
		.args = &again,
		.text = text};
	if (!compares || !is_repeated(level, text))
		deliver(&record);
	va_end(again);
}

static void __attribute__((format(printf, 4, 5)))
emit_new(const char *id, enum log_level level, const char *fields, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	emit(false, id, level, fields, fmt, args);
	va_end(args);
}

static bool is_repeated(enum log_level level, const char *text)
{
	uint64_t now = clock_now_ms();
	bool same = level >= LOG_LEVEL_WARNING && strcmp(text, last.text) == 0;
	if (same && now - last.since_ms < REPEAT_WINDOW_MS) {
		last.count++;
		return true;
	}
	uint64_t count = last.count;
	last.count = 0;
	last.since_ms = now;
	memccpy(last.text, level >= LOG_LEVEL_WARNING ? text : "", '\0', sizeof(last.text));
	if (count > 0)
		emit_new(EV_LOG_REPEATED, (unsigned long long)count);
	return false;
}

void log_emit(const char *id, enum log_level level, const char *fields, const char *fmt, ...)
{
	if (level < out.level)
		return;
	int saved = errno;
	va_list args;
	va_start(args, fmt);
	emit(true, id, level, fields, fmt, args);
	va_end(args);
	errno = saved;
}

static void end_line(void)
{
	if (write_retrying("\n", 1) == 1)
		out.tail = TAIL_WHOLE;
}

void log_raw(const char *bytes, size_t len)
{
	int saved = errno;
	if (out.tail == TAIL_TORN)
		end_line();
	while (len > 0) {
		/* A pipe accepts this much whole or not at all. */
		size_t part = len < LINE_MAX_BYTES ? len : LINE_MAX_BYTES;
		ssize_t n = write_retrying(bytes, part);
		if (n <= 0) {
			out.dropped++;
			out.tail = out.tail == TAIL_OPEN ? TAIL_TORN : out.tail;
			break;
		}
		bytes += n;
		len -= (size_t)n;
		out.tail = bytes[-1] == '\n' ? TAIL_WHOLE : TAIL_OPEN;
	}
	errno = saved;
}

void log_raw_end(void)
{
	int saved = errno;
	if (out.tail == TAIL_OPEN)
		end_line();
	errno = saved;
}

const char *log_prefix(void)
{
	return out.prefix;
}

uint64_t log_dropped(void)
{
	return out.dropped;
}

void log_set_form(log_form_fn form)
{
	out.form = form;
}

void log_set_level(enum log_level least)
{
	out.level = least;
}

void log_set_sink(log_sink_fn fn, void *arg)
{
	out.sink = fn;
	out.sink_arg = arg;
	last.text[0] = '\0';
	last.count = 0;
}

bool log_few_take(struct log_few *few)
{
	if (few->written == LOG_FEW_LINES) {
		few->more++;
		return false;
	}
	few->written++;
	return true;
}
