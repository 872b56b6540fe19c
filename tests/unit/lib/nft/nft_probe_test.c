/* Answers of kernels that lack something. */
#include "lib/nft/nft_probe.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/mem.h"
#include "lib/nft/nft_batch.h"

/* The number of the message with this description. */
static uint32_t number_of(const struct nlwrite *w, const char *what)
{
	char text[NFT_BATCH_TEXT_MAX];
	for (uint32_t seq = 1; seq < w->next_seq; seq++) {
		nft_batch_describe(w->buf.data, w->buf.len, seq, 0, text);
		if (strcmp(text, what) == 0)
			return seq;
	}
	fail_msg("no message about %s", what);
	return 0;
}

/* Bytes from the start of a message to the first occurrence of a text in it. */
static uint32_t offset_of(const struct nlwrite *w, const char *text)
{
	const char *at = memmem(w->buf.data, w->buf.len, text, strlen(text) + 1);
	assert_non_null(at);
	return (uint32_t)(at - w->buf.data);
}

struct probe_case {
	const char *what;
	int code;
	const char *missing; /* joined, "" = nothing */
	bool is_supported;
};

static void check_sentence(const struct nft_probe *probe, const char *missing)
{
	struct err e = {0};
	int code = nft_probe_check(probe, NFT_MODEL_V4, &e);
	if (missing[0] == '\0') {
		assert_int_equal(code, 0);
	} else if (strstr(missing, "CAP_NET_ADMIN") != NULL) {
		assert_int_equal(code, -EPERM);
		assert_string_equal(e.msg, "the firewall may not be changed: no CAP_NET_ADMIN in "
					   "the user namespace that owns the network namespace");
	} else {
		AUTO(mem_free)
		char *whole = xasprintf("nf_tables of this kernel lacks for IPv4: %s", missing);
		assert_int_equal(code, -EOPNOTSUPP);
		assert_string_equal(e.msg, whole);
	}
}

static void test_answers(void **state)
{
	static const struct probe_case cases[] = {
		{NULL, 0, "", true},
		{"the batch as a whole", -EPERM,
			"CAP_NET_ADMIN in the user namespace that owns the network namespace",
			false},
		{"the batch as a whole", -EOPNOTSUPP, "nf_tables", false},
		{"table ip ts_sidecar_probe", -EAFNOSUPPORT, "family ip of nf_tables", false},
		{"table ip ts_sidecar_probe", -EOPNOTSUPP, "family ip of nf_tables", false},
		{"table ip ts_sidecar_probe, chain prerouting", -ENOENT,
			"chain type nat (table ip ts_sidecar_probe, chain prerouting)", false},
		{"table ip ts_sidecar_probe, set daddr_map", -EINVAL,
			"table ip ts_sidecar_probe, set daddr_map: Invalid argument", false},
		{"table ip ts_sidecar_probe, chain forward, rule leak-guard", -ENOENT,
			"table ip ts_sidecar_probe, chain forward, rule leak-guard: "
			"No such file or directory",
			false},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO(nlwrite_fini) struct nlwrite w = NLWRITE_INIT(1u << 20, 1);
		AUTO(nft_probe_fini) struct nft_probe probe = {0};
		struct nlsock_outcome outcome = {0};
		nft_probe_write(&w, NFT_MODEL_V4);
		if (cases[i].what != NULL)
			outcome.failures[outcome.failure_count++] = (struct nlerr){
				.seq = number_of(&w, cases[i].what), .code = cases[i].code};
		outcome.failures[outcome.failure_count++] =
			(struct nlerr){.seq = w.next_seq - 2, .code = -EEXIST};
		nft_probe_evaluate(&w, NFT_MODEL_V4, &outcome, &probe);
		AUTO(mem_free) char *missing = strv_join(&probe.missing, "; ");
		assert_string_equal(missing, cases[i].missing);
		assert_int_equal(probe.is_supported, cases[i].is_supported);
		assert_true(probe.has_numgen);
		check_sentence(&probe, cases[i].missing);
	}
}

/* The kernel points into the message: the expression is named. */
static void test_expressions(void **state)
{
	AUTO(nlwrite_fini) struct nlwrite w = NLWRITE_INIT(1u << 20, 1);
	AUTO(nft_probe_fini) struct nft_probe probe = {0};
	struct nlsock_outcome outcome = {0};
	const char *rule = "table ip ts_sidecar_probe, chain mss_clamp, rule mss-out";
	uint32_t base = 0;
	(void)state;
	nft_probe_write(&w, NFT_MODEL_V4);
	/* Where the message with the first "rt" begins. */
	uint32_t seq = number_of(&w, rule);
	for (uint32_t at = 0; at < w.buf.len;) {
		uint32_t header[4];
		memcpy(header, w.buf.data + at, sizeof(header));
		if (header[2] == seq)
			base = at;
		at += (header[0] + 3) & ~3u;
	}
	outcome.failures[0] =
		(struct nlerr){.seq = seq, .code = -ENOENT, .offset = offset_of(&w, "rt") - base};
	outcome.failures[1] = (struct nlerr){.seq = w.next_seq - 2, .code = -EEXIST};
	outcome.failure_count = 2;
	nft_probe_evaluate(&w, NFT_MODEL_V4, &outcome, &probe);
	assert_int_equal(probe.missing.len, 1);
	assert_string_equal(probe.missing.items[0],
		"expression rt (table ip ts_sidecar_probe, chain mss_clamp, rule mss-out)");
}

static void test_numgen_has_a_substitute(void **state)
{
	AUTO(nlwrite_fini) struct nlwrite w = NLWRITE_INIT(1u << 20, 1);
	AUTO(nft_probe_fini) struct nft_probe probe = {0};
	struct nlsock_outcome outcome = {0};
	(void)state;
	nft_probe_write(&w, NFT_MODEL_V4);
	uint32_t seq =
		number_of(&w, "table ip ts_sidecar_probe, chain prerouting, rule dns-target");
	for (uint32_t offset = 0; offset < 400 && !probe.missing.len; offset += 4) {
		outcome.failures[0] = (struct nlerr){.seq = seq, .code = -ENOENT, .offset = offset};
		outcome.failures[1] = (struct nlerr){.seq = w.next_seq - 2, .code = -EEXIST};
		outcome.failure_count = 2;
		nft_probe_evaluate(&w, NFT_MODEL_V4, &outcome, &probe);
		if (!probe.has_numgen) {
			assert_true(probe.is_supported);
			assert_int_equal(probe.missing.len, 0);
			return;
		}
		strv_reset(&probe.missing);
	}
	fail_msg("no offset names numgen");
}

/* Only a missing set is reported, not everything that cannot find it. */
static void test_consequences_are_not_reported(void **state)
{
	AUTO(nlwrite_fini) struct nlwrite w = NLWRITE_INIT(1u << 20, 1);
	AUTO(nft_probe_fini) struct nft_probe probe = {0};
	struct nlsock_outcome outcome = {0};
	static const struct {
		const char *what;
		int code;
	} failures[] = {
		{"table ip ts_sidecar_probe, set local_ports", -EOPNOTSUPP},
		{"table ip ts_sidecar_probe, chain prerouting", -ENOENT},
		{"table ip ts_sidecar_probe, chain prerouting, rule by-daddr", -ENOENT},
		{"table ip ts_sidecar_probe, chain prerouting, rule local-ports", -ENOENT},
		{"table ip ts_sidecar_probe, elements of local_ports", -ENOENT},
	};
	(void)state;
	nft_probe_write(&w, NFT_MODEL_V4);
	for (size_t i = 0; i < ARRAY_LEN(failures); i++)
		outcome.failures[outcome.failure_count++] = (struct nlerr){
			.seq = number_of(&w, failures[i].what), .code = failures[i].code};
	outcome.failures[outcome.failure_count++] =
		(struct nlerr){.seq = w.next_seq - 2, .code = -EEXIST};
	nft_probe_evaluate(&w, NFT_MODEL_V4, &outcome, &probe);
	AUTO(mem_free) char *missing = strv_join(&probe.missing, "; ");
	assert_string_equal(missing,
		"table ip ts_sidecar_probe, set local_ports: Operation not supported; "
		"chain type nat (table ip ts_sidecar_probe, chain prerouting)");
}

static void test_no_answer(void **state)
{
	AUTO(nlwrite_fini) struct nlwrite w = NLWRITE_INIT(1u << 20, 1);
	AUTO(nft_probe_fini) struct nft_probe probe = {0};
	struct nlsock_outcome outcome = {0};
	(void)state;
	nft_probe_write(&w, NFT_MODEL_V6);
	nft_probe_evaluate(&w, NFT_MODEL_V6, &outcome, &probe);
	assert_false(probe.is_supported);
	assert_string_equal(probe.missing.items[0], "an answer to the probe");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_expressions),
		cmocka_unit_test(test_numgen_has_a_substitute),
		cmocka_unit_test(test_consequences_are_not_reported),
		cmocka_unit_test(test_no_answer),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
