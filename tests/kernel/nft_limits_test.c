/* Many services, and sockets whose buffers cannot be made larger than the system's default. */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/mem.h"
#include "lib/nft/nft_kernel.h"
#include "lib/nft/nft_msg.h"
#include "lib/nft/nlsock.h"
#include "tests/kernel/firewall.h"
#include "tests/support/loop_wait.h"
#include "tests/support/netns.h"

#define SERVICES 5000
/* Elements of port maps and targets, both protocols and families. */
#define ELEMENTS(services) ((services)*4u + (services)*2u)

#define EXPECT(condition)                                                       \
	do {                                                                    \
		if (!(condition)) {                                             \
			fprintf(stderr, "line %d: %s\n", __LINE__, #condition); \
			_exit(2);                                               \
		}                                                               \
	} while (0)

static void want_services(struct nft_wanted *w, unsigned int first, unsigned int count)
{
	firewall_wanted_init(w);
	for (unsigned int i = first; i < first + count; i++) {
		for (uint8_t proto = IPPROTO_TCP; proto <= IPPROTO_UDP; proto += 11) {
			char name[48];
			char v4[40];
			char v6[40];
			snprintf(name, sizeof(name), "namespace-of-service/%u", i);
			snprintf(v4, sizeof(v4), "100.%u.%u.%u", 65 + first % 7, i / 250,
				1 + i % 250);
			snprintf(v6, sizeof(v6), "fd7a:115c:a1e0::%x:%x", 1 + first, 16 + i);
			firewall_portmap(w, name, proto, (uint16_t)(10000 + i), v4, 80);
			firewall_portmap(w, name, proto, (uint16_t)(10000 + i), v6, 80);
		}
	}
}

/* As without privileges in the initial user namespace, and with the smallest limit. */
static int refuse_buffers(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_setsockopt, 0, 6),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[1])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SOL_SOCKET, 0, 4),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[2])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SO_SNDBUFFORCE, 1, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SO_SNDBUF, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {.len = ARRAY_LEN(code), .filter = code};
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -1;
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

static void open_unforced(struct firewall *f)
{
	*f = (struct firewall){.ns = -1};
	if (refuse_buffers() < 0 || unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
		_exit(1);
	firewall_restart(f);
}

/* Runs in a child, which drops its privileges. A failed assertion ends it, too. */
static void in_child(void (*run)(void))
{
	int status = 0;
	fflush(NULL);
	pid_t pid = fork();
	if (pid == 0) {
		run();
		_exit(0);
	}
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

struct reading {
	bool is_done;
	int code;
};

static void on_read(void *arg, int code, const struct err *e)
{
	struct reading *r = arg;
	(void)e;
	r->is_done = true;
	r->code = code;
}

/* nft(8) wants such buffers itself. The first port map of IPv4, with its comment. */
static void expect_read(struct firewall *f, size_t maps, const char *comment)
{
	struct err e = {0};
	struct reading r = {0};
	struct nft_image image[NFT_MODEL_FAMILIES] = {0};
	struct nft_image *const images[] = {&image[NFT_MODEL_V4], &image[NFT_MODEL_V6]};
	struct nft_backend *kernel = nft_kernel_new(f->loop, &e);
	EXPECT(kernel != NULL);
	EXPECT(kernel->ops->read(kernel, images, on_read, &r, &e) == 0);
	EXPECT(loop_wait_flag(f->loop, &r.is_done, LOOP_WAIT_MS) && r.code == 0);
	for (int i = 0; i < NFT_MODEL_FAMILIES; i++) {
		const struct nft_elems *elems = &image[i].sets[NFT_SCHEMA_EGRESS_PM];
		EXPECT(elems->len == maps);
		EXPECT(image[i].has_table == (maps > 0));
		EXPECT(maps == 0 || (comment == NULL) == (elems->items[0].comment == NULL));
		EXPECT(maps == 0 || comment == NULL ||
			strcmp(elems->items[0].comment, comment) == 0);
		nft_image_fini(&image[i]);
	}
	kernel->ops->free(kernel);
}

static void test_forced(void **state)
{
	struct firewall f;
	struct nft_wanted w;
	(void)state;
	firewall_open(&f);
	want_services(&w, 0, SERVICES);
	assert_int_equal(firewall_apply(&f, &w), 0);
	assert_int_equal(f.result.transactions, 1);
	assert_int_equal(f.result.elements, ELEMENTS(SERVICES));
	assert_true(f.result.was_read_back);
	expect_read(&f, 2 * SERVICES, "namespace-of-service/0");
	firewall_close(&f);
}

/* 700 ports of both protocols and families: without their comments they go in one batch. */
static void apply_thousand(void)
{
	struct firewall f;
	struct nft_wanted w;
	open_unforced(&f);
	want_services(&w, 0, 700);
	EXPECT(firewall_apply(&f, &w) == 0);
	EXPECT(f.result.transactions == 1);
	EXPECT(f.result.elements == ELEMENTS(700));
	EXPECT(f.result.was_read_back);
	expect_read(&f, 1400, NULL);
	/* A smaller one has them again. */
	want_services(&w, 0, 100);
	EXPECT(firewall_apply(&f, &w) == 0);
	expect_read(&f, 200, "namespace-of-service/0");
	firewall_close(&f);
}

static void test_without_comments(void **state)
{
	(void)state;
	in_child(apply_thousand);
}

static void apply_five_thousand(void)
{
	struct firewall f;
	struct nft_wanted w;
	open_unforced(&f);
	want_services(&w, 0, SERVICES);
	EXPECT(firewall_apply(&f, &w) == 0);
	print_message("%u services in %zu batches\n", SERVICES, f.result.transactions);
	EXPECT(f.result.transactions > 1);
	EXPECT(f.result.elements == ELEMENTS(SERVICES));
	EXPECT(f.result.was_read_back);
	expect_read(&f, 2 * SERVICES, NULL);
	/* The same again changes nothing, one more service is one batch. */
	want_services(&w, 0, SERVICES);
	EXPECT(firewall_apply(&f, &w) == 0);
	EXPECT(f.result.transactions == 0);
	want_services(&w, 0, SERVICES);
	firewall_portmap(&w, "one", IPPROTO_TCP, 9999, "100.64.1.1", 80);
	EXPECT(firewall_apply(&f, &w) == 0);
	EXPECT(f.result.transactions == 1 && f.result.elements == 2);
	/* All targets change while the table is in use; then all of them go. */
	want_services(&w, 1, SERVICES - 1);
	EXPECT(firewall_apply(&f, &w) == 0);
	EXPECT(f.result.transactions > 1 && f.result.was_read_back);
	want_services(&w, 0, 0);
	EXPECT(firewall_apply(&f, &w) == 0);
	/* A new process finds what the previous one left. */
	want_services(&w, 0, SERVICES);
	EXPECT(firewall_apply(&f, &w) == 0);
	firewall_restart(&f);
	want_services(&w, 0, SERVICES);
	EXPECT(firewall_apply(&f, &w) == 0);
	EXPECT(firewall_remove(&f) == 0);
	expect_read(&f, 0, NULL);
	firewall_close(&f);
}

/* A foreign element, inserted where a piece in the middle will collide with it. */
static void put_in(struct firewall *f, uint16_t port)
{
	struct err e = {0};
	struct nlsock_outcome outcome;
	struct nft_msg_table table = {NFT_MODEL_V4, NFT_SCHEMA_TABLE};
	struct nft_elem elem = {.key = {IPPROTO_TCP, 0, 0, 0, (uint8_t)(port >> 8), (uint8_t)port},
		.data = {10, 0, 0, 1, 0, 1}};
	const struct nft_elem *items[] = {&elem};
	struct nft_elem_refs refs = {.items = items, .len = 1};
	struct nlsock *sock = nlsock_new(f->loop, &e);
	EXPECT(sock != NULL);
	AUTO(nlwrite_fini) struct nlwrite w = NLWRITE_INIT(80u << 10, nlsock_reserve_seq(sock, 16));
	nft_msg_batch_begin(&w);
	nft_msg_new_elems(&w, &table, NFT_SCHEMA_EGRESS_PM, &refs, false);
	nft_msg_batch_end(&w);
	EXPECT(nlsock_commit(sock, w.buf.data, w.buf.len, &outcome, &e) == 0);
	EXPECT(outcome.is_acknowledged && outcome.failure_count == 0);
	nlsock_free(sock);
}

/* A piece in the middle is refused: the present state is read, and the remaining changes follow. */
static void collide(void)
{
	struct firewall f;
	struct nft_wanted w;
	open_unforced(&f);
	want_services(&w, 0, 1);
	EXPECT(firewall_apply(&f, &w) == 0);
	put_in(&f, 10000 + SERVICES / 2);
	want_services(&w, 0, SERVICES);
	EXPECT(firewall_apply(&f, &w) == 0);
	EXPECT(f.result.transactions > 1 && f.result.was_read_back);
	expect_read(&f, 2 * SERVICES, NULL);
	firewall_close(&f);
}

static void test_refused_piece(void **state)
{
	(void)state;
	in_child(collide);
}

static void test_pieces(void **state)
{
	(void)state;
	in_child(apply_five_thousand);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forced),
		cmocka_unit_test(test_without_comments),
		cmocka_unit_test(test_pieces),
		cmocka_unit_test(test_refused_piece),
	};
	netns_require();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
