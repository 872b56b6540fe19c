#include "lib/io/atomicfile.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "tests/support/tempdir.h"

static char *dir;

static int setup(void **state)
{
	(void)state;
	dir = tempdir_new();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	tempdir_free(STEAL(dir));
	return 0;
}

static unsigned int count_entries(void)
{
	unsigned int count = 0;
	DIR *d = opendir(dir);

	assert_non_null(d);
	while (readdir(d))
		count++;
	closedir(d);
	return count - 2;
}

static void expect_file(const char *name, const char *text, mode_t mode)
{
	AUTO(mem_free) char *path = tempdir_path(dir, name);
	AUTO(mem_free) char *got = tempdir_read(dir, name);
	struct stat info;

	assert_string_equal(got, text);
	assert_int_equal(lstat(path, &info), 0);
	assert_true(S_ISREG(info.st_mode));
	assert_int_equal(info.st_mode & 07777, mode);
}

static void test_write_and_replace(void **state)
{
	AUTO(mem_free) char *path = tempdir_path(dir, "file");
	struct err e = {0};
	mode_t old_mask = umask(077);

	(void)state;
	assert_int_equal(atomicfile_write(path, "one", 3, 0644, &e), 0);
	expect_file("file", "one", 0644);
	umask(0);
	assert_int_equal(atomicfile_write(path, "", 0, 0600, &e), 0);
	expect_file("file", "", 0600);
	umask(old_mask);
	assert_int_equal(count_entries(), 1);
}

static void test_relative_and_longest_name(void **state)
{
	char name[NAME_MAX + 1];
	char *before = getcwd(NULL, 0);
	struct err e = {0};

	(void)state;
	memset(name, 'n', NAME_MAX);
	name[NAME_MAX] = '\0';
	assert_int_equal(chdir(dir), 0);
	assert_int_equal(atomicfile_write(name, "x", 1, 0600, &e), 0);
	assert_int_equal(chdir(before), 0);
	free(before);
	expect_file(name, "x", 0600);
}

/* The link is replaced; its target stays. */
static void test_replaces_link(void **state)
{
	AUTO(mem_free) char *link = tempdir_path(dir, "link");
	struct err e = {0};

	(void)state;
	tempdir_write(dir, "target", "old");
	assert_int_equal(symlink("target", link), 0);
	assert_int_equal(atomicfile_write(link, "new", 3, 0600, &e), 0);
	expect_file("link", "new", 0600);
	AUTO(mem_free) char *target = tempdir_read(dir, "target");
	assert_string_equal(target, "old");
}

static void test_left_over_temporary(void **state)
{
	AUTO(mem_free) char *path = tempdir_path(dir, "file");
	struct err e = {0};

	(void)state;
	/* Names that a crashed process with our pid may have left. */
	for (int i = 0; i < 20; i++) {
		AUTO(mem_free) char *name = xasprintf(".tailboot-%d-%d.tmp", (int)getpid(), i);

		tempdir_write(dir, name, "junk");
	}
	assert_int_equal(atomicfile_write(path, "x", 1, 0600, &e), 0);
	expect_file("file", "x", 0600);
	assert_int_equal(count_entries(), 21);
}

/* Override those of the C library: a disk with a sync time of 2 s. */
#define SLOW_SYNC_S 2
static unsigned int syncs;

static int slow_sync(void)
{
	struct timespec pause = {SLOW_SYNC_S, 0};

	syncs++;
	return nanosleep(&pause, NULL);
}

int fsync(int fd)
{
	(void)fd;
	return slow_sync();
}

int fdatasync(int fd)
{
	(void)fd;
	return slow_sync();
}

static void test_slow_disk(void **state)
{
	AUTO(mem_free) char *path = tempdir_path(dir, "file");
	struct err e = {0};
	uint64_t begun = clock_now_ms();

	(void)state;
	assert_int_equal(atomicfile_write(path, "one", 3, 0600, &e), 0);
	assert_int_equal(atomicfile_write(path, "two", 3, 0600, &e), 0);
	assert_true(clock_now_ms() - begun < 1000);
	assert_int_equal(syncs, 0);
	expect_file("file", "two", 0600);
}

static void test_remove_stale(void **state)
{
	static const char *const ours[] = {".tailboot-1-0.tmp", ".tailboot-4194304-4294967295.tmp"};
	static const char *const others[] = {".tailboot-1-0.tmp.swp", ".tailboot-1-0", "x",
		".tailboot--0.tmp", ".tailboot-1-.tmp", ".tailboot-1.tmp", ".tailboot-a-0.tmp",
		"tailboot-1-0.tmp", ".tailboot-1-0-0.tmp", ".tailboot-+1-0.tmp", ".tmp",
		".tailboot-1-2.tmp/file"};
	AUTO(mem_free) char *link = tempdir_path(dir, ".tailboot-1-1.tmp");
	AUTO(mem_free) char *nowhere = tempdir_path(dir, "no");

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(ours); i++)
		tempdir_write(dir, ours[i], "half");
	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		tempdir_write(dir, others[i], "x");
	assert_int_equal(symlink("x", link), 0);
	atomicfile_remove_stale(dir);
	assert_int_equal(count_entries(), ARRAY_LEN(others) + 1);
	for (size_t i = 0; i < ARRAY_LEN(ours); i++)
		assert_null(tempdir_read(dir, ours[i]));
	atomicfile_remove_stale(nowhere);
}

/* A lasting failure has one text, however many names were tried. */
static void test_reason_is_stable(void **state)
{
	AUTO(mem_free) char *path = tempdir_path(dir, "file");
	int next = open("/dev/null", O_RDONLY | O_CLOEXEC);
	struct rlimit before, small;
	struct err e = {0}, again = {0};

	(void)state;
	assert_true(next >= 0);
	close(next);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	small = before;
	small.rlim_cur = (rlim_t)next + 1; /* the folder can be opened, but no file in it */
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &small), 0);
	assert_int_equal(atomicfile_write(path, "x", 1, 0600, &e), -EMFILE);
	assert_int_equal(atomicfile_write(path, "x", 1, 0600, &again), -EMFILE);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_string_equal(e.msg, again.msg);
	assert_non_null(strstr(e.msg, path));
}

static void test_write_failures(void **state)
{
	AUTO(mem_free) char *absent = tempdir_path(dir, "no/file");
	AUTO(mem_free) char *folder = tempdir_path(dir, "folder");
	AUTO(mem_free) char *slash = tempdir_path(dir, "folder/");
	struct err e = {0};

	(void)state;
	assert_int_equal(atomicfile_write(absent, "x", 1, 0600, &e), -ENOENT);
	assert_int_equal(mkdir(folder, 0700), 0);
	assert_int_equal(atomicfile_write(folder, "x", 1, 0600, &e), -EISDIR);
	assert_non_null(strstr(e.msg, folder));
	assert_int_equal(atomicfile_write(slash, "x", 1, 0600, &e), -EISDIR);
	assert_int_equal(atomicfile_write("", "x", 1, 0600, &e), -EISDIR);
	assert_int_equal(count_entries(), 1);
}

/* A write that fails halfway leaves the old content and no temporary file. */
static void test_half_written(void **state)
{
	AUTO(mem_free) char *path = tempdir_path(dir, "file");
	AUTO(mem_free) char *big = xcalloc(1, 100000);
	struct rlimit before, small;
	struct err e = {0};
	int ret;

	(void)state;
	assert_int_equal(atomicfile_write(path, "old", 3, 0600, &e), 0);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	small = before;
	small.rlim_cur = 50000;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	ret = atomicfile_write(path, big, 100000, 0600, &e);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	signal(SIGXFSZ, SIG_DFL);
	assert_int_equal(ret, -EFBIG);
	expect_file("file", "old", 0600);
	assert_int_equal(count_entries(), 1);
}

static void test_read(void **state)
{
	AUTO(mem_free) char *path = tempdir_path(dir, "file");
	AUTO(buf_fini) struct buf b = BUF_INIT(10);
	struct err e = {0};

	(void)state;
	tempdir_write(dir, "file", "");
	assert_int_equal(atomicfile_read(path, &b, &e), 0);
	assert_string_equal(buf_cstr(&b), "");
	tempdir_write(dir, "file", "12345");
	assert_int_equal(atomicfile_read(path, &b, &e), 0);
	assert_int_equal(atomicfile_read(path, &b, &e), 0);
	assert_string_equal(buf_cstr(&b), "1234512345");
	assert_int_equal(b.len, 10);
	tempdir_write(dir, "file", "");
	assert_int_equal(atomicfile_read(path, &b, &e), 0);
	assert_int_equal(b.len, 10);
}

static void test_read_past_cap(void **state)
{
	AUTO(mem_free) char *path = tempdir_path(dir, "file");
	AUTO(buf_fini) struct buf b = BUF_INIT(8);
	struct err e = {0};

	(void)state;
	assert_int_equal(buf_append_str(&b, "ab", &e), 0);
	tempdir_write(dir, "file", "1234567");
	assert_int_equal(atomicfile_read(path, &b, &e), -EMSGSIZE);
	assert_string_equal(buf_cstr(&b), "ab");
	assert_int_equal(b.len, 2);
	tempdir_write(dir, "file", "123456");
	assert_int_equal(atomicfile_read(path, &b, &e), 0);
	assert_string_equal(buf_cstr(&b), "ab123456");
}

static void test_read_large(void **state)
{
	AUTO(mem_free) char *path = tempdir_path(dir, "file");
	AUTO(mem_free) char *data = xmalloc(300000);
	AUTO(buf_fini) struct buf b = BUF_INIT(300000);
	struct err e = {0};

	(void)state;
	for (size_t i = 0; i < 300000; i++)
		data[i] = (char)(i * 7 % 251);
	assert_int_equal(atomicfile_write(path, data, 300000, 0600, &e), 0);
	assert_int_equal(atomicfile_read(path, &b, &e), 0);
	assert_int_equal(b.len, 300000);
	assert_memory_equal(b.data, data, 300000);
}

static void test_read_not_a_file(void **state)
{
	AUTO(mem_free) char *fifo = tempdir_path(dir, "fifo");
	AUTO(mem_free) char *absent = tempdir_path(dir, "absent");
	AUTO(buf_fini) struct buf b = BUF_INIT(100);
	struct err e = {0};

	(void)state;
	assert_int_equal(atomicfile_read(dir, &b, &e), -EISDIR);
	assert_int_equal(atomicfile_read(absent, &b, &e), -ENOENT);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	assert_int_equal(atomicfile_read(fifo, &b, &e), -EINVAL);
	assert_int_equal(atomicfile_read("/dev/zero", &b, &e), -EINVAL);
	/* Files of /proc have size 0 but are not empty. */
	assert_int_equal(atomicfile_read("/proc/self/comm", &b, &e), 0);
	assert_true(b.len > 0);
}

static void test_remove(void **state)
{
	AUTO(mem_free) char *path = tempdir_path(dir, "file");
	struct err e = {0};

	(void)state;
	tempdir_write(dir, "file", "x");
	assert_int_equal(atomicfile_remove(path, &e), 0);
	assert_int_equal(count_entries(), 0);
	assert_int_equal(atomicfile_remove(path, &e), 0);
	assert_true(atomicfile_remove(dir, &e) < 0);
}

static void test_make_dirs(void **state)
{
	AUTO(mem_free) char *deep = tempdir_path(dir, "a//b/c/");
	AUTO(mem_free) char *middle = tempdir_path(dir, "a/b");
	AUTO(mem_free) char *below_file = tempdir_path(dir, "file/x");
	AUTO(mem_free) char *dangling = tempdir_path(dir, "dangling");
	struct stat info;
	struct err e = {0};
	mode_t old_mask = umask(027);

	(void)state;
	assert_int_equal(atomicfile_make_dirs(deep, 0755, &e), 0);
	umask(old_mask);
	assert_int_equal(stat(middle, &info), 0);
	assert_int_equal(info.st_mode & 07777, 0755);
	/* An existing directory keeps its mode. */
	assert_int_equal(atomicfile_make_dirs(deep, 0700, &e), 0);
	assert_int_equal(stat(deep, &info), 0);
	assert_int_equal(info.st_mode & 07777, 0755);
	assert_int_equal(stat(dir, &info), 0);
	assert_int_equal(info.st_mode & 07777, 0700);

	tempdir_write(dir, "file", "x");
	assert_int_equal(atomicfile_make_dirs(below_file, 0700, &e), -ENOTDIR);
	assert_int_equal(symlink("nowhere", dangling), 0);
	assert_int_equal(atomicfile_make_dirs(dangling, 0700, &e), -ENOENT);
	assert_int_equal(atomicfile_make_dirs("", 0700, &e), -ENOENT);
	assert_int_equal(atomicfile_make_dirs("/", 0700, &e), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_write_and_replace, setup, teardown),
		cmocka_unit_test_setup_teardown(test_relative_and_longest_name, setup, teardown),
		cmocka_unit_test_setup_teardown(test_replaces_link, setup, teardown),
		cmocka_unit_test_setup_teardown(test_left_over_temporary, setup, teardown),
		cmocka_unit_test_setup_teardown(test_slow_disk, setup, teardown),
		cmocka_unit_test_setup_teardown(test_remove_stale, setup, teardown),
		cmocka_unit_test_setup_teardown(test_reason_is_stable, setup, teardown),
		cmocka_unit_test_setup_teardown(test_write_failures, setup, teardown),
		cmocka_unit_test_setup_teardown(test_half_written, setup, teardown),
		cmocka_unit_test_setup_teardown(test_read, setup, teardown),
		cmocka_unit_test_setup_teardown(test_read_past_cap, setup, teardown),
		cmocka_unit_test_setup_teardown(test_read_large, setup, teardown),
		cmocka_unit_test_setup_teardown(test_read_not_a_file, setup, teardown),
		cmocka_unit_test_setup_teardown(test_remove, setup, teardown),
		cmocka_unit_test_setup_teardown(test_make_dirs, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
