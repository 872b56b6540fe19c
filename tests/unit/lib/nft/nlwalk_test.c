#include "lib/nft/nlwalk.h"

#include <linux/netlink.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/mem.h"

struct walk_case {
	uint32_t lengths[3]; /* what the headers say */
	size_t bytes;        /* what there is; each message takes 20 */
	unsigned int count;
};

static void test_walk(void **state)
{
	static const struct walk_case cases[] = {
		{{20, 20, 20}, 60, 3},
		{{20, 20, 20}, 59, 2},
		{{20, 20, 20}, 15, 0},
		{{20, 20, 20}, 0, 0},
		{{18, 17, 19}, 60, 3}, /* padded to 20 */
		{{20, 20, 19}, 59, 2}, /* not padded */
		{{20, 15, 20}, 60, 1},
		{{20, 0, 20}, 60, 1},
		{{20, 41, 20}, 60, 1},
		{{20, 0x80000014u, 20}, 60, 1},
		{{UINT32_MAX, 20, 20}, 60, 0},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		_Alignas(struct nlmsghdr) char bytes[60] = {0};
		for (size_t m = 0; m < ARRAY_LEN(cases[i].lengths); m++)
			memcpy(bytes + m * 20, &cases[i].lengths[m], sizeof(uint32_t));
		struct nlwalk walk = NLWALK_INIT(bytes, cases[i].bytes);
		const struct nlmsghdr *nlh;
		unsigned int count = 0;
		while ((nlh = nlwalk_next(&walk)) != NULL) {
			assert_ptr_equal(nlh, bytes + count * 20);
			count++;
		}
		assert_int_equal(count, cases[i].count);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_walk),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
