#include "lib/base/cause.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/base/mem.h"

static const struct {
	const char *one, *other;
} same[] = {
	/* ephemeral ports */
	{"read tcp 10.0.0.5:43210->1.2.3.4:443: connection reset",
		"read tcp 10.0.0.5:51234->1.2.3.4:443: connection reset"},
	{"read 10.0.0.5:1025->1.2.3.4:443: reset", "read 10.0.0.5:9->1.2.3.4:443: reset"},
	{"dial udp [fd7a::1]:60123: no route", "dial udp [fd7a::1]:32768: no route"},
	{"peer.example.com:40000 is gone", "peer.example.com:40001 is gone"},
	/* processes, tries */
	{"pid 1234 is gone", "pid 7 is gone"},
	{"pid=12", "pid=13"},
	{"the lock is held by process 12", "the lock is held by process 4711"},
	{"tailscaled[77]: no", "tailscaled[1078]: no"},
	{"attempt 3 failed", "attempt 14 failed"},
	{"retry #3", "retry #4"},
	/* moments and durations */
	{"current time 2026-11-21T04:25:34Z is after",
		"current time 2027-01-01T00:00:00.123Z is after"},
	{"at 2026/11/30 07:27:25", "at 2026/12/01 17:00:00"},
	{"at 07:27:25 it broke", "at 17:00:01.5 it broke"},
	{"at 2026-11-21T04:25:34+01:00 no", "at 2026-11-22T05:00:34-11:30 no"},
	{"timed out after 1m30s", "timed out after 250ms"},
	{"in 1.5s", "in 90.25s"},
	{"in 10µs", "in 11ns"},
	{"no answer within 3 s", "no answer within 12 s"},
	{"no answer within 3 seconds", "no answer within 12 seconds"},
	/* identifiers */
	{"request 123456 failed", "request 9876543210 failed"},
	{"at 0xc0001234", "at 0xdead"},
	{"id 6ba7b810-9dad-11d1-80b4-00c04fd430c8", "id 6ba7b811-9dad-11d1-80b4-00c04fd430c9"},
	{"trace 4bf92f3577b34da6", "trace 4bf92f3577b34da6a3ce929d0e0e4736"},
	/* temporary files */
	{"open /state/.tailboot-1-17.tmp: read-only", "open /state/.tailboot-23-2.tmp: read-only"},
	{"open /state/tailscaled.state.tmp12: no", "open /state/tailscaled.state.tmp7: no"},
};

static const struct {
	const char *one, *other;
} different[] = {
	{"exit status 1", "exit status 2"},
	{"signal 9", "signal 11"},
	{"HTTP 403", "HTTP 500"},
	{"dial 10.0.0.1:80: refused", "dial 10.0.0.1:443: refused"},
	{"dial 10.0.0.1:443: refused", "dial 10.0.0.2:443: refused"},
	{"dial [fd7a::1]:443", "dial [fd7a::2]:443"},
	{"fd7a:115c:a1e0::1234", "fd7a:115c:a1e0::1235"},
	{"route 100.64.0.0/10", "route 100.64.0.0/12"},
	{"line 3: no", "line 4: no"},
	{"version 1.102.5", "version 1.102.4"},
	{"service 3 of 4", "service 2 of 4"},
	{"port 40000 of web", "port 40001 of web"},
	{"sys12 m", "sys13 m"},
	{"10 services", "11 services"},
	{"try the door 1", "try the door 2"},
	{"svc-7f is gone", "svc-8f is gone"},
	{"[1]", "[2]"},
	{"no", "no 123456"},
	{"", "x"},
};

static void numbers_that_change_by_themselves_do_not_count(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(same); i++) {
		if (cause_of(same[i].one) != cause_of(same[i].other))
			fail_msg("\"%s\" differs", same[i].one);
	}
}

static void numbers_with_a_meaning_count(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(different); i++) {
		if (cause_of(different[i].one) == cause_of(different[i].other))
			fail_msg("\"%s\" is the same", different[i].one);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_that_change_by_themselves_do_not_count),
		cmocka_unit_test(numbers_with_a_meaning_count),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
