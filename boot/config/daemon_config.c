#include "boot/config/daemon_config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/gotext.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/io/atomicfile.h"

#define SHOWN_MAX 256

/* What Go's Sscanf accepts for "cap-%d.hujson": blanks and a sign before the number, leading zeros,
 * and any text after it. */
int daemon_config_version(const char *name)
{
	if (strcmp(name, "tailscaled") == 0)
		return 0;
	if (!str_starts(name, "cap-"))
		return -1;
	const char *p = name + strlen("cap-");
	p += strspn(p, " \t\r\v\f");
	if (*p == '+')
		p++;
	size_t digits = strspn(p, "0123456789");
	if (digits == 0 || !str_starts(p + digits, ".hujson"))
		return -1;
	int version = 0;
	for (size_t i = 0; i < digits; i++) {
		if (__builtin_mul_overflow(version, 10, &version) ||
			__builtin_add_overflow(version, p[i] - '0', &version))
			return -1;
	}
	return version;
}

/* Lexical: no double slash, no "." part, no slash at the end, ".." resolved if possible.
 *  */
static char *clean_path(const char *path)
{
	struct strv parts = {0}, kept = {0};
	bool rooted = *path == '/';
	str_split(path, '/', &parts);
	for (size_t i = 0; i < parts.len; i++) {
		const char *part = parts.items[i];
		if (*part == '\0' || strcmp(part, ".") == 0)
			continue;
		bool up = strcmp(part, "..") == 0;
		if (up && kept.len > 0 && strcmp(kept.items[kept.len - 1], "..") != 0) {
			free(kept.items[--kept.len]);
			kept.items[kept.len] = NULL;
		} else if (!up || !rooted) {
			strv_push(&kept, part);
		}
	}
	AUTO(mem_free) char *joined = strv_join(&kept, "/");
	strv_fini(&parts);
	strv_fini(&kept);
	return xasprintf("%s%s", rooted ? "/" : "", joined);
}

/* Symbolic links count, independent of their target: a mounted Secret consists of them. */
static bool is_directory(int dir_fd, const struct dirent *entry)
{
	struct stat st;
	if (entry->d_type != DT_UNKNOWN)
		return entry->d_type == DT_DIR;
	return fstatat(dir_fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);
}

/* -1 for none. errno is 0 unless the directory could not be read to its end. */
static int greatest_version(DIR *dir, int capver)
{
	int greatest = -1;
	struct dirent *entry;
	while (errno = 0, (entry = readdir(dir)) != NULL) {
		if (is_directory(dirfd(dir), entry))
			continue;
		int version = daemon_config_version(entry->d_name);
		if (version > greatest && version <= capver)
			greatest = version;
	}
	return greatest;
}

char *daemon_config_choose(const char *dir, int capver, struct err *e)
{
	char shown[SHOWN_MAX];
	gotext_quote(dir, shown, sizeof(shown));
	AUTO(fd_close) int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *stream = fd >= 0 ? fdopendir(fd) : NULL;
	if (stream == NULL) {
		err_set_errno(e, -errno, "error reading tailscaled config directory %s", shown);
		return NULL;
	}
	fd = -1; /* the stream owns it */
	int version = greatest_version(stream, capver);
	int failed = errno;
	closedir(stream);
	if (failed != 0) {
		err_set_errno(e, -failed, "error reading tailscaled config directory %s", shown);
		return NULL;
	}
	if (version < 0) {
		err_set(e, -ENOENT,
			"no tailscaled config file found in %s for current capability version %d",
			shown, capver);
		return NULL;
	}
	AUTO(mem_free) char *path = xasprintf("%s/cap-%d.hujson", dir, version);
	return clean_path(path);
}

void daemon_config_values_fini(struct daemon_config_values *values)
{
	secret_fini(&values->authkey);
	*values = (struct daemon_config_values){0};
}

int daemon_config_load(const char *path, struct daemon_config_values *values, struct err *e)
{
	AUTO(buf_wipe) struct buf text = BUF_INIT(DAEMON_CONFIG_MAX);
	if (atomicfile_read(path, &text, e) < 0)
		return err_wrap(e, "no config present");
	if (daemon_config_parse(text.data, text.len, values, e) < 0)
		return err_wrap(e, "error parsing config file %s", path);
	return 0;
}

int daemon_config_check(const char *path, struct err *e)
{
	struct stat unused;
	const char *slash = strrchr(path, '/');
	const char *file = slash != NULL ? slash + 1 : path;
	AUTO(mem_free) char *dir = xstrndup(path, (size_t)(file - path));
	char shown_dir[SHOWN_MAX], shown_file[SHOWN_MAX];

	if (*dir != '\0' && stat(dir, &unused) < 0)
		return err_set_errno(e, -errno,
			"error validating whether directory with tailscaled config file %s exists",
			dir);
	if (stat(path, &unused) < 0) {
		int code = -errno;
		char reason[128];
		gotext_quote(dir, shown_dir, sizeof(shown_dir));
		gotext_quote(file, shown_file, sizeof(shown_file));
		return err_set(e, code,
			"error validating whether tailscaled config directory %s contains "
			"tailscaled config for current capability version %s: %s. If this is a "
			"Tailscale Kubernetes operator proxy, please ensure that the version of "
			"the "
			"operator is not older than the version of the proxy",
			shown_dir, shown_file, strerror_r(-code, reason, sizeof(reason)));
	}
	if (daemon_config_load(path, NULL, e) < 0)
		return err_wrap(e, "error validating tailscaled configfile contents");
	return 0;
}
