#include "boot/host/start_memory.h"

#include <link.h>
#include <malloc.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <unistd.h>

/* The kernel maps 64 KiB around each page that is needed: of 4 MiB of code, a start brings in
 * nearly all and the time after it uses a fifth. */
static int return_object(struct dl_phdr_info *object, size_t size, void *arg)
{
	(void)size;
	(void)arg;
	/* No file: the kernel's own. */
	if (object->dlpi_addr == getauxval(AT_SYSINFO_EHDR))
		return 0;
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	for (size_t i = 0; i < object->dlpi_phnum; i++) {
		const ElfW(Phdr) *part = &object->dlpi_phdr[i];
		if (part->p_type != PT_LOAD || (part->p_flags & PF_W) != 0)
			continue;
		uintptr_t from = object->dlpi_addr + part->p_vaddr;
		uintptr_t to = (from + part->p_memsz + page - 1) & ~(page - 1);
		from &= ~(page - 1);
		madvise((void *)from, to - from, MADV_DONTNEED);
	}
	return 0;
}

void start_memory_return(void)
{
	malloc_trim(0);
	dl_iterate_phdr(return_object, NULL);
}
