/* In place of what the static glibc would do by loading plugins (name services, character sets,
 * dlopen): nothing here calls any of it, but libraries contain functions that do. Names are
 * resolved by c-ares alone. With these the linker leaves the plugin machinery out, and a call that
 * nobody foresaw fails instead of loading code from the image. */
#include <dlfcn.h>
#include <errno.h>
#include <grp.h>
#include <netdb.h>
#include <pwd.h>
#include <stddef.h>

int getaddrinfo(const char *restrict node, const char *restrict service,
	const struct addrinfo *restrict hints, struct addrinfo **restrict result)
{
	(void)node;
	(void)service;
	(void)hints;
	*result = NULL;
	return EAI_FAIL;
}

void freeaddrinfo(struct addrinfo *list)
{
	(void)list;
}

struct hostent *gethostbyname(const char *name)
{
	(void)name;
	h_errno = NO_RECOVERY;
	return NULL;
}

struct servent *getservbyname(const char *name, const char *protocol)
{
	(void)name;
	(void)protocol;
	return NULL;
}

int getservbyport_r(int port, const char *restrict protocol, struct servent *restrict entry,
	char *restrict buf, size_t size, struct servent **restrict result)
{
	(void)port;
	(void)protocol;
	(void)entry;
	(void)buf;
	(void)size;
	*result = NULL;
	return ENOENT;
}

struct passwd *getpwuid(uid_t uid)
{
	(void)uid;
	errno = ENOENT;
	return NULL;
}

int initgroups(const char *user, gid_t group)
{
	(void)user;
	(void)group;
	errno = EPERM;
	return -1;
}

int getnameinfo(const struct sockaddr *restrict address, socklen_t length, char *restrict host,
	socklen_t host_size, char *restrict service, socklen_t service_size, int flags)
{
	(void)address;
	(void)length;
	(void)host;
	(void)host_size;
	(void)service;
	(void)service_size;
	(void)flags;
	return EAI_FAIL;
}

void *dlopen(const char *file, int mode)
{
	(void)file;
	(void)mode;
	return NULL;
}

void *dlsym(void *restrict handle, const char *restrict name)
{
	(void)handle;
	(void)name;
	return NULL;
}

int dlclose(void *handle)
{
	(void)handle;
	return -1;
}

char *dlerror(void)
{
	return "this program is static";
}

int dladdr(const void *address, Dl_info *info)
{
	(void)address;
	(void)info;
	return 0;
}

/* What glibc itself calls; no header declares it. */
void *__libc_dlopen_mode(const char *file, int mode);
void *__libc_dlsym(void *handle, const char *name);
int __libc_dlclose(void *handle);

void *__libc_dlopen_mode(const char *file, int mode)
{
	return dlopen(file, mode);
}

void *__libc_dlsym(void *handle, const char *name)
{
	return dlsym(handle, name);
}

int __libc_dlclose(void *handle)
{
	return dlclose(handle);
}
