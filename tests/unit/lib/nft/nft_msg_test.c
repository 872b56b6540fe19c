/* Messages byte by byte: the parts that the kernel gets, as a dump of them would show. */
#include "lib/nft/nft_msg.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_tables.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/mem.h"
#include "lib/nft/nft_rule.h"
#include "lib/nft/nlwalk.h"

static const struct nft_msg_table v4 = {NFT_MODEL_V4, "t"};
static const struct nft_msg_table v6 = {NFT_MODEL_V6, "t"};

/* The writer's bytes from an offset on must be these hex digits; blanks do not count. */
static void expect_bytes(const struct nlwrite *w, size_t from, const char *hex)
{
	static const char digits[] = "0123456789abcdef";
	AUTO(mem_free) char *actual = xcalloc(2 * w->buf.len + 1, 1);
	AUTO(mem_free) char *expected = xcalloc(strlen(hex) + 1, 1);
	size_t at = 0;
	struct err e = {0};
	assert_int_equal(nlwrite_check(w, &e), 0);
	for (size_t i = from; i < w->buf.len; i++) {
		actual[at++] = digits[(uint8_t)w->buf.data[i] >> 4];
		actual[at++] = digits[(uint8_t)w->buf.data[i] & 0xf];
	}
	at = 0;
	for (const char *c = hex; *c != '\0'; c++) {
		if (*c != ' ')
			expected[at++] = *c;
	}
	assert_string_equal(actual, expected);
}

static void test_batch_frame(void **state)
{
	AUTO(nlwrite_fini) struct nlwrite w = NLWRITE_INIT(NLWRITE_BATCH_MAX, 7);
	(void)state;
	nft_msg_batch_begin(&w);
	nft_msg_del_table(&w, &v4);
	nft_msg_batch_end(&w);
	expect_bytes(&w, 0,
		/* BEGIN: type 16, request, sequence 7, subsystem 10 */
		"14000000 1000 0100 07000000 00000000 00 00 000a"
		/* DELTABLE 2 of subsystem 10, request and acknowledgement, family 2, "t" */
		"1c000000 020a 0500 08000000 00000000 02 00 0000 0600 0100 7400 0000"
		"14000000 1100 0100 09000000 00000000 00 00 000a");
}

static void test_table(void **state)
{
	AUTO(nlwrite_fini) struct nlwrite w = NLWRITE_INIT(NLWRITE_BATCH_MAX, 1);
	(void)state;
	nft_msg_new_table(&w, &v6, 0, "hi");
	expect_bytes(&w, 0,
		"30000000 000a 0104 01000000 00000000 0a 00 0000 0600 0100 7400 0000"
		"0800 0200 00000000"
		/* user data: type 0, length 3, "hi" */
		"0900 0600 0003 6869 00 000000");
}

static void test_port_map_set(void **state)
{
	AUTO(nlwrite_fini) struct nlwrite w = NLWRITE_INIT(NLWRITE_BATCH_MAX, 1);
	(void)state;
	nft_msg_new_set(&w, &v6, NFT_SCHEMA_EGRESS_PM);
	/* A map (8); types 781 and 525; 8 and 20 bytes; number 6; no size. */
	expect_bytes(&w, 28,
		"0e00 0200 6567726573735f706d00 0000"
		"0800 0300 00000008 0800 0400 0000030d 0800 0500 00000008"
		"0800 0600 0000020d 0800 0700 00000014 0800 0a00 00000006");
}

static void test_anonymous_map(void **state)
{
	AUTO(nlwrite_fini) struct nlwrite w = NLWRITE_INIT(NLWRITE_BATCH_MAX, 1);
	(void)state;
	nft_msg_new_set(&w, &v4, NFT_SCHEMA_BACKENDS);
	expect_bytes(&w, 28,
		"0c00 0200 5f5f6d6170256400"
		"0800 0300 0000000b 0800 0400 00000004 0800 0500 00000004"
		"0800 0600 00000007 0800 0700 00000004 0800 0a00 00000005"
		/* how nft(8) prints it: key in host order, data big-endian */
		"1000 0d00 0004 01000000 0104 02000000");
}

static void test_base_chain(void **state)
{
	AUTO(nlwrite_fini) struct nlwrite w = NLWRITE_INIT(NLWRITE_BATCH_MAX, 1);
	(void)state;
	nft_msg_new_chain(&w, &v4, NFT_SCHEMA_PREROUTING);
	/* nat, prerouting (0), priority -110, accept */
	expect_bytes(&w, 28,
		"0f00 0300 707265726f7574696e6700 00"
		"1400 0480 0800 0100 00000000 0800 0200 ffffff92"
		"0800 0500 00000001 0800 0700 6e617400");
}

static void test_elements(void **state)
{
	AUTO(nlwrite_fini) struct nlwrite w = NLWRITE_INIT(NLWRITE_BATCH_MAX, 1);
	struct nft_elem elem = {.key = {6, 0, 0, 0, 0x27, 0x10},
		.data = {100, 64, 1, 1, 0x4e, 0x20},
		.comment = (char[]){"a"}};
	const struct nft_elem *items[] = {&elem};
	struct nft_elem_refs refs = {.items = items, .len = 1};
	(void)state;
	nft_msg_new_elems(&w, &v4, NFT_SCHEMA_EGRESS_PM, &refs, true);
	expect_bytes(&w, 28,
		"0e00 0200 6567726573735f706d00 0000"
		"3000 0380 2c00 0180"
		/* tcp . 10000 : 100.64.1.1 . 20000 */
		"1000 0180 0c00 0100 0600000027100000 1000 0280 0c00 0100 644001014e200000"
		"0800 0600 00026100");
	nlwrite_fini(&w);
	w = NLWRITE_INIT(NLWRITE_BATCH_MAX, 1);
	nft_msg_del_elems(&w, &v4, NFT_SCHEMA_EGRESS_PM, &refs);
	expect_bytes(&w, 28,
		"0e00 0200 6567726573735f706d00 0000"
		"1800 0380 1400 0180 1000 0180 0c00 0100 0600000027100000");
}

static unsigned int count_messages(const struct nlwrite *w, size_t *longest)
{
	unsigned int count = 0;
	struct nlwalk walk = NLWALK_INIT(w->buf.data, w->buf.len);
	const struct nlmsghdr *nlh;
	*longest = 0;
	while ((nlh = nlwalk_next(&walk)) != NULL) {
		count++;
		if (nlh->nlmsg_len > *longest)
			*longest = nlh->nlmsg_len;
	}
	return count;
}

static void test_elements_are_split(void **state)
{
	AUTO(nlwrite_fini) struct nlwrite w = NLWRITE_INIT(NLWRITE_BATCH_MAX, 1);
	struct nft_elems elems = {0};
	struct nft_elem_refs refs = {0};
	size_t longest = 0;
	(void)state;
	for (uint32_t i = 0; i < 10000; i++) {
		struct nft_elem elem = {.key = {6, 0, 0, 0, (uint8_t)(i >> 8), (uint8_t)i}};
		nft_elems_add(&elems, &elem);
	}
	nft_elem_refs_add_all(&refs, &elems);
	nft_msg_new_elems(&w, &v4, NFT_SCHEMA_EGRESS_PM, &refs, true);
	assert_int_equal(count_messages(&w, &longest), 7);
	assert_true(longest < 60100);
	nft_elem_refs_fini(&refs);
	nft_elems_fini(&elems);
}

static void test_no_elements_no_message(void **state)
{
	AUTO(nlwrite_fini) struct nlwrite w = NLWRITE_INIT(NLWRITE_BATCH_MAX, 1);
	struct nft_elem_refs none = {0};
	(void)state;
	nft_msg_new_elems(&w, &v4, NFT_SCHEMA_EGRESS_PM, &none, true);
	assert_int_equal(w.buf.len, 0);
}

static void test_overlong_comment(void **state)
{
	AUTO(nlwrite_fini) struct nlwrite w = NLWRITE_INIT(NLWRITE_BATCH_MAX, 1);
	AUTO(mem_free) char *text = xcalloc(400, 1);
	(void)state;
	memset(text, 'x', 399);
	nft_msg_new_table(&w, &v4, 0, text);
	/* 28 and flags, then 2 + 127 + NUL in an attribute padded to 136 */
	assert_int_equal(w.buf.len, 28 + 8 + 136);
}

static void test_too_large(void **state)
{
	AUTO(nlwrite_fini) struct nlwrite w = NLWRITE_INIT(100000, 1);
	struct err e = {0};
	(void)state;
	nft_msg_del_table(&w, &v4);
	assert_int_equal(nlwrite_check(&w, &e), 0);
	for (int i = 0; i < 2000; i++)
		nft_msg_del_table(&w, &v4);
	assert_int_equal(nlwrite_check(&w, &e), -EMSGSIZE);
	assert_int_equal(nlwrite_size(&w), 0);
}

static void test_attribute_too_large(void **state)
{
	AUTO(nlwrite_fini) struct nlwrite w = NLWRITE_INIT(NLWRITE_BATCH_MAX, 1);
	AUTO(mem_free) char *bytes = xcalloc(70000, 1);
	struct err e = {0};
	(void)state;
	nft_msg_begin(&w, &v4, NFT_MSG_NEWTABLE, 0);
	nlwrite_bytes(&w, 9, bytes, 65000);
	assert_null(nlwrite_nest(&w, 1));
	nlwrite_nest_end(&w, NULL);
	nlwrite_end(&w);
	assert_int_equal(nlwrite_check(&w, &e), -EMSGSIZE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_batch_frame),
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_port_map_set),
		cmocka_unit_test(test_anonymous_map),
		cmocka_unit_test(test_base_chain),
		cmocka_unit_test(test_elements),
		cmocka_unit_test(test_elements_are_split),
		cmocka_unit_test(test_no_elements_no_message),
		cmocka_unit_test(test_overlong_comment),
		cmocka_unit_test(test_too_large),
		cmocka_unit_test(test_attribute_too_large),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
