#include "lib/kube/kube_time.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

void kube_time_format(time_t at, char out[KUBE_TIME_MAX])
{
	struct tm t;
	if (gmtime_r(&at, &t) == NULL ||
		strftime(out, KUBE_TIME_MAX, "%Y-%m-%dT%H:%M:%SZ", &t) == 0)
		out[0] = '\0';
}

void kube_time_format_micro(time_t at, char out[KUBE_TIME_MAX])
{
	char seconds[KUBE_TIME_MAX];
	kube_time_format(at, seconds);
	size_t len = strlen(seconds);
	snprintf(out, KUBE_TIME_MAX, "%.*s.000000Z", len > 0 ? (int)len - 1 : 0, seconds);
}

/* Exactly so many digits and the character behind them, if it is given. */
static bool read_number(const char **p, int digits, char after, int *out)
{
	*out = 0;
	for (; digits > 0; digits--, (*p)++) {
		if (**p < '0' || **p > '9')
			return false;
		*out = *out * 10 + (**p - '0');
	}
	if (after == '\0')
		return true;
	return *(*p)++ == after;
}

static bool is_in(int value, int from, int to)
{
	return value >= from && value <= to;
}

static bool read_offset(const char *p, int *seconds)
{
	int hours = 0;
	int minutes = 0;
	*seconds = 0;
	if (*p == 'Z' || *p == 'z')
		return p[1] == '\0';
	bool is_behind = *p == '-';
	if (*p != '+' && *p != '-')
		return false;
	p++;
	if (!read_number(&p, 2, ':', &hours) || !read_number(&p, 2, '\0', &minutes) || *p != '\0')
		return false;
	*seconds = (hours * 60 + minutes) * (is_behind ? -60 : 60);
	return hours < 24 && minutes < 60;
}

static bool read_time(const char *p, struct tm *t, int *offset)
{
	if (!read_number(&p, 4, '-', &t->tm_year) || !read_number(&p, 2, '-', &t->tm_mon) ||
		!read_number(&p, 2, 'T', &t->tm_mday) || !read_number(&p, 2, ':', &t->tm_hour) ||
		!read_number(&p, 2, ':', &t->tm_min) || !read_number(&p, 2, '\0', &t->tm_sec))
		return false;
	if (*p == '.')
		p += 1 + strspn(p + 1, "0123456789");
	return is_in(t->tm_mon, 1, 12) && is_in(t->tm_mday, 1, 31) && is_in(t->tm_hour, 0, 23) &&
	       is_in(t->tm_min, 0, 59) && is_in(t->tm_sec, 0, 60) && read_offset(p, offset);
}

int kube_time_parse(const char *text, time_t *out, struct err *e)
{
	struct tm parts = {0};
	int offset = 0;
	if (!read_time(text, &parts, &offset))
		return err_set(e, -EINVAL, "\"%.40s\" is no time", text);
	parts.tm_year -= 1900;
	parts.tm_mon -= 1;
	*out = timegm(&parts) - offset;
	return 0;
}
