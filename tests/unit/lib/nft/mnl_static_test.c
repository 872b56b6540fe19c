/* Our few functions of libmnl beside the library itself: the same bytes, the same answers. */
#include <dlfcn.h>
#include <linux/netlink.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

/* Ours must not be what the library itself calls. */
#pragma GCC visibility push(hidden)
#include "lib/nft/mnl_static.c"
#pragma GCC visibility pop

static void *library;

/* The library's own function of a name, whatever the linker has bound the name to. */
static void *of_library(const char *name)
{
	void *function = dlsym(library, name);
	assert_non_null(function);
	return function;
}

#define THEIRS(name) ((typeof(&name))of_library(#name))

enum {
	ROOM = 128
};

/* A message with each kind of content; what does not fit any more is left out by both. */
struct builder {
	typeof(&mnl_nlmsg_put_header) header;
	typeof(&mnl_nlmsg_put_extra_header) extra;
	typeof(&mnl_attr_put_check) put;
	typeof(&mnl_attr_put_u32) number;
	typeof(&mnl_attr_nest_start_check) start;
	typeof(&mnl_attr_nest_end) end;
};

static void build(
	const struct builder *with, char bytes[static ROOM], size_t extra, size_t attribute)
{
	static const char data[ROOM] = "0123456789abcdefghijklmnopqrstuvwxyz";
	/* Not other bytes: releases of the library differ in whether they clear the padding. */
	memset(bytes, 0, ROOM);
	struct nlmsghdr *nlh = with->header(bytes);
	with->extra(nlh, extra);
	with->number(nlh, 7, 0x01020304);
	struct nlattr *nest = with->start(nlh, ROOM, 3);
	bool fits = with->put(nlh, ROOM, 9, attribute, data);
	if (fits)
		with->put(nlh, ROOM, 10, 0, NULL);
	if (nest != NULL)
		with->end(nlh, nest);
	with->start(nlh, nlh->nlmsg_len + 3, 4);
}

static void test_same_bytes(void **state)
{
	(void)state;
	const struct builder ours = {mnl_nlmsg_put_header, mnl_nlmsg_put_extra_header,
		mnl_attr_put_check, mnl_attr_put_u32, mnl_attr_nest_start_check, mnl_attr_nest_end};
	const struct builder theirs = {THEIRS(mnl_nlmsg_put_header),
		THEIRS(mnl_nlmsg_put_extra_header), THEIRS(mnl_attr_put_check),
		THEIRS(mnl_attr_put_u32), THEIRS(mnl_attr_nest_start_check),
		THEIRS(mnl_attr_nest_end)};
	for (size_t extra = 0; extra < 20; extra++) {
		for (size_t attribute = 0; attribute < ROOM; attribute++) {
			_Alignas(struct nlmsghdr) char a[ROOM], b[ROOM];
			build(&ours, a, extra, attribute);
			build(&theirs, b, extra, attribute);
			assert_memory_equal(a, b, ROOM);
		}
	}
}

static void test_same_answers(void **state)
{
	(void)state;
	_Alignas(struct nlmsghdr) char bytes[ROOM];
	for (size_t i = 0; i < ROOM; i++)
		bytes[i] = (char)(i * 37 + 11);
	struct nlattr *attr = (struct nlattr *)(void *)(bytes + 32);
	struct nlmsghdr *nlh = (struct nlmsghdr *)(void *)bytes;
	for (int len = 0; len <= 70; len++) {
		attr->nla_len = (uint16_t)len;
		nlh->nlmsg_len = (uint32_t)len;
		for (int left = -4; left <= 70; left++) {
			assert_int_equal(mnl_attr_ok(attr, left), THEIRS(mnl_attr_ok)(attr, left));
			assert_int_equal(mnl_nlmsg_ok(nlh, left), THEIRS(mnl_nlmsg_ok)(nlh, left));
		}
		assert_ptr_equal(mnl_attr_next(attr), THEIRS(mnl_attr_next)(attr));
		assert_int_equal(
			mnl_attr_get_payload_len(attr), THEIRS(mnl_attr_get_payload_len)(attr));
		assert_ptr_equal(
			mnl_nlmsg_get_payload_tail(nlh), THEIRS(mnl_nlmsg_get_payload_tail)(nlh));
		assert_ptr_equal(mnl_nlmsg_get_payload_offset(nlh, (size_t)len),
			THEIRS(mnl_nlmsg_get_payload_offset)(nlh, (size_t)len));
	}
	assert_ptr_equal(mnl_nlmsg_get_payload(nlh), THEIRS(mnl_nlmsg_get_payload)(nlh));
	assert_ptr_equal(mnl_attr_get_payload(attr), THEIRS(mnl_attr_get_payload)(attr));
	assert_ptr_equal(mnl_attr_get_str(attr), THEIRS(mnl_attr_get_str)(attr));
	assert_int_equal(mnl_attr_get_u32(attr), THEIRS(mnl_attr_get_u32)(attr));
	for (unsigned type = 0; type <= UINT16_MAX; type++) {
		attr->nla_type = (uint16_t)type;
		assert_int_equal(mnl_attr_get_type(attr), THEIRS(mnl_attr_get_type)(attr));
	}
}

int main(void)
{
	library = dlopen("libmnl.so.0", RTLD_NOW | RTLD_LOCAL);
	if (library == NULL) {
		print_error("%s\n", dlerror());
		return 1;
	}
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same_bytes),
		cmocka_unit_test(test_same_answers),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	dlclose(library);
	return failed;
}
