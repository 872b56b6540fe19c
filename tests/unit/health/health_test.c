#include "health/health.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/condition.h"
#include "lib/base/mem.h"
#include "lib/io/loop.h"
#include "tests/support/fake_clock.h"
#include "tests/support/log_capture.h"
#include "tests/support/loop_wait.h"
#include "tests/support/raw_client.h"

static CONDITION_KIND(
	key_used, "login", CONDITION_BLOCKS, "KeyUsed", "It was used", "use a fresh key");
static const struct condition_kind *const kinds[] = {&condition_key_used};

struct fixture {
	struct loop *loop;
	struct httpd *httpd;
	struct httpd_listener *listener;
	struct condition_set conditions;
	struct health *health;
	struct log_capture log;
	char *answer;
};

static void make(struct fixture *f, const char *ipv4, const char *ipv6)
{
	struct health_options options = {ipv4, ipv6, "", &f->conditions, false};
	struct addrport any = {.addr.family = IPADDR_V6};
	struct err e;
	if (f->listener != NULL)
		httpd_listener_close(f->listener);
	health_free(f->health);
	f->listener = httpd_listen(f->httpd, &any, "[::]:0", &e);
	assert_non_null(f->listener);
	f->health = health_new(NULL, NULL, &options);
	health_route_probes(f->health, f->listener);
}

static int setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));
	struct err e = {0};
	fake_clock_install(1000000);
	log_capture_start(&f->log);
	f->loop = loop_new(&e);
	f->httpd = httpd_new(f->loop);
	condition_set_add(&f->conditions, kinds, ARRAY_LEN(kinds));
	make(f, "10.0.0.1", "fd00::1");
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	health_free(f->health);
	httpd_free(f->httpd);
	loop_free(f->loop);
	condition_set_fini(&f->conditions);
	fake_clock_remove();
	log_capture_stop(&f->log);
	free(f->answer);
	free(f);
	return 0;
}

static const char *ask_for(struct fixture *f, const char *method, const char *path)
{
	struct raw_client c;
	AUTO(mem_free) char *text = xasprintf("%s %s HTTP/1.1\r\nHost: x\r\n\r\n", method, path);
	raw_client_open(&c, httpd_listener_port(f->listener));
	raw_client_say(&c, text);
	assert_true(loop_wait(f->loop, raw_client_is_done, &c, LOOP_WAIT_MS));
	free(f->answer);
	f->answer = xstrdup(buf_cstr(&c.in));
	raw_client_close(&c);
	return f->answer;
}

static const char *ask(struct fixture *f, const char *method)
{
	return ask_for(f, method, "/healthz");
}

static const char *body(const struct fixture *f)
{
	return strstr(f->answer, "\r\n\r\n") + 4;
}

static bool names_its_pod(const struct fixture *f)
{
	return strstr(f->answer, "\r\nPod-IPv4: 10.0.0.1\r\n") != NULL &&
	       strstr(f->answer, "\r\nPod-IPv6: fd00::1\r\n") != NULL;
}

static bool is_healthy(struct fixture *f)
{
	return strncmp(ask(f, "GET"), "HTTP/1.1 200 ", 13) == 0;
}

static const struct verdict_row {
	struct health_facts facts;
	bool healthy;
	const char *reason;
} verdicts[] = {
	{{false, false, false, 0}, false, "node currently has no tailscale IPs"},
	{{false, false, true, 0}, false, "node currently has no tailscale IPs"},
	{{false, true, true, 0}, true, ""},
	{{false, true, false, 0}, true, ""},
	{{false, true, false, HEALTH_GRACE_MS}, true, ""},
	{{false, true, false, HEALTH_GRACE_MS + 1}, false,
		"tailscaled has not been running for 10 s"},
	{{false, true, true, UINT64_MAX}, true, ""},
	{{true, true, true, 0}, false, "the node is stopping"},
	{{true, false, false, HEALTH_GRACE_MS + 1}, false, "the node is stopping"},
};

static void a_verdict_follows_from_the_facts(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(verdicts); i++) {
		char reason[128] = "old";
		assert_int_equal(health_verdict(&verdicts[i].facts, reason, sizeof(reason)),
			verdicts[i].healthy);
		assert_string_equal(reason, verdicts[i].reason);
	}
	char little[5];
	assert_false(health_verdict(&verdicts[0].facts, little, sizeof(little)));
	assert_string_equal(little, "node");
}

static void a_node_without_addresses_is_not_healthy(void **state)
{
	struct fixture *f = *state;
	const char *answer = ask(f, "GET");
	assert_true(strncmp(answer, "HTTP/1.1 503 ", 13) == 0);
	assert_non_null(strstr(answer, "\r\n\r\nnode currently has no tailscale IPs\n"));
	assert_non_null(strstr(answer, "\r\nX-Content-Type-Options: nosniff\r\n"));
	assert_true(names_its_pod(f));
}

static void a_refusal_names_the_pod(void **state)
{
	struct fixture *f = *state;
	health_set_has_addresses(f->health, true);
	health_set_running(f->health, true);
	assert_true(is_healthy(f));
	health_set_running(f->health, false);
	fake_clock_advance_ms(HEALTH_GRACE_MS + 1);
	assert_false(is_healthy(f));
	assert_true(names_its_pod(f));
	ask_for(f, "GET", "/readyz");
	assert_true(names_its_pod(f));
	health_set_running(f->health, true);
	health_set_stopping(f->health);
	assert_false(is_healthy(f));
	assert_string_equal(body(f), "the node is stopping\n");
	assert_true(names_its_pod(f));
}

static void ready_is_a_node_without_a_reason(void **state)
{
	struct fixture *f = *state;
	const char *answer = ask_for(f, "GET", "/readyz");
	assert_true(strncmp(answer, "HTTP/1.1 503 ", 13) == 0);
	assert_non_null(strstr(answer, "\r\nContent-Type: application/json\r\n"));
	assert_non_null(strstr(answer, "{\"ready\":false,\"reasons\":[{\"code\":\"Starting\","));
	health_set_has_addresses(f->health, true);
	health_set_running(f->health, true);
	answer = ask_for(f, "GET", "/readyz");
	assert_true(strncmp(answer, "HTTP/1.1 200 ", 13) == 0);
	assert_string_equal(body(f), "{\"ready\":true}");
	/* Of a condition, at once, and only while it stands. */
	condition_raise(&f->conditions, &condition_key_used, "authkey already used");
	answer = ask_for(f, "GET", "/readyz");
	assert_true(strncmp(answer, "HTTP/1.1 503 ", 13) == 0);
	assert_non_null(
		strstr(body(f), "[{\"code\":\"KeyUsed\",\"message\":\"authkey already used\","));
	assert_non_null(strstr(body(f), ",\"hint\":\"use a fresh key\"}]}"));
	condition_clear(&f->conditions, &condition_key_used);
	assert_true(strncmp(ask_for(f, "GET", "/readyz"), "HTTP/1.1 200 ", 13) == 0);
	health_set_path_has_stood(f->health, false);
	ask_for(f, "GET", "/readyz");
	assert_non_null(strstr(body(f), "[{\"code\":\"DataPathPending\","));
	health_set_stopping(f->health);
	ask_for(f, "GET", "/readyz");
	assert_non_null(strstr(body(f), "[{\"code\":\"Stopping\","));
}

static void alive_is_a_loop_that_turns(void **state)
{
	struct fixture *f = *state;
	assert_true(strncmp(ask_for(f, "GET", "/livez"), "HTTP/1.1 200 ", 13) == 0);
	assert_string_equal(body(f), "ok");
	health_set_stopping(f->health);
	assert_true(strncmp(ask_for(f, "HEAD", "/livez"), "HTTP/1.1 200 ", 13) == 0);
	assert_true(strncmp(ask_for(f, "POST", "/livez"), "HTTP/1.1 405 ", 13) == 0);
}

static void a_healthy_node_names_its_pod(void **state)
{
	struct fixture *f = *state;
	health_set_has_addresses(f->health, true);
	health_set_running(f->health, true);
	const char *answer = ask(f, "GET");
	assert_true(strncmp(answer, "HTTP/1.1 200 ", 13) == 0);
	assert_string_equal(strstr(answer, "\r\n\r\n"), "\r\n\r\nok");
	assert_non_null(strstr(answer, "\r\nPod-IPv4: 10.0.0.1\r\n"));
	assert_non_null(strstr(answer, "\r\nPod-IPv6: fd00::1\r\n"));
	assert_string_equal(strstr(ask(f, "HEAD"), "\r\n\r\n"), "\r\n\r\n");
	assert_true(strncmp(ask(f, "POST"), "HTTP/1.1 405 ", 13) == 0);
	/* Unknown values are not sent. */
	make(f, "", "fd00::2");
	health_set_has_addresses(f->health, true);
	answer = ask(f, "GET");
	assert_null(strstr(answer, "Pod-IPv4"));
	assert_non_null(strstr(answer, "\r\nPod-IPv6: fd00::2\r\n"));
}

static void a_restart_in_place_does_not_flap(void **state)
{
	struct fixture *f = *state;
	health_set_has_addresses(f->health, true);
	health_set_running(f->health, true);
	fake_clock_advance_ms(3600000);
	assert_true(is_healthy(f));
	health_set_running(f->health, false);
	fake_clock_advance_ms(HEALTH_GRACE_MS);
	assert_true(is_healthy(f));
	/* Setting it again does not restart the period. */
	health_set_running(f->health, false);
	fake_clock_advance_ms(1);
	assert_false(is_healthy(f));
	assert_non_null(strstr(f->answer, "tailscaled has not been running for 10 s\n"));
	health_set_running(f->health, true);
	assert_true(is_healthy(f));
}

/* A daemon that cannot be reached counts like one that does not run, from when it was so. */
static void an_unreachable_daemon_is_not_healthy(void **state)
{
	struct fixture *f = *state;
	health_set_has_addresses(f->health, true);
	health_set_reachable(f->health, false);
	health_set_running(f->health, true);
	fake_clock_advance_ms(HEALTH_GRACE_MS + 1);
	assert_false(is_healthy(f));
	health_set_reachable(f->health, true);
	assert_true(is_healthy(f));
	health_set_reachable(f->health, false);
	fake_clock_advance_ms(HEALTH_GRACE_MS);
	assert_true(is_healthy(f));
	health_set_running(f->health, false);
	fake_clock_advance_ms(1);
	assert_false(is_healthy(f));
	health_set_reachable(f->health, true);
	assert_false(is_healthy(f));
	health_set_running(f->health, true);
	assert_true(is_healthy(f));
}

static void a_change_is_logged_once(void **state)
{
	struct fixture *f = *state;
	health_set_has_addresses(f->health, false);
	assert_int_equal(log_capture_count(&f->log, "Setting healthy"), 0);
	health_set_has_addresses(f->health, true);
	health_set_has_addresses(f->health, true);
	health_set_running(f->health, true);
	assert_int_equal(log_capture_count(&f->log, "Setting healthy true"), 1);
	health_set_has_addresses(f->health, false);
	assert_int_equal(log_capture_count(&f->log, "Setting healthy false"), 1);
	assert_int_equal(f->log.texts.len, 2);
	/* The data path is a part of it. */
	health_set_path_has_stood(f->health, false);
	health_set_has_addresses(f->health, true);
	assert_int_equal(f->log.texts.len, 2);
	health_set_path_has_stood(f->health, true);
	assert_int_equal(log_capture_count(&f->log, "Setting healthy true"), 2);
	health_free(NULL);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_verdict_follows_from_the_facts),
		TEST(a_node_without_addresses_is_not_healthy),
		TEST(a_refusal_names_the_pod),
		TEST(ready_is_a_node_without_a_reason),
		TEST(alive_is_a_loop_that_turns),
		TEST(a_healthy_node_names_its_pod),
		TEST(a_restart_in_place_does_not_flap),
		TEST(an_unreachable_daemon_is_not_healthy),
		TEST(a_change_is_logged_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
