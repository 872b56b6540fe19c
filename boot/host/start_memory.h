/*
 * Gives memory back that only the start needed: code of this program and of its libraries that was
 * mapped on the way (reading a settings file, making a TLS context, …), and free space of the heap.
 * Code that is needed again is mapped again, from the page cache. Not for data: nothing that was
 * ever written is touched.
 */
#ifndef BOOT_HOST_START_MEMORY_H
#define BOOT_HOST_START_MEMORY_H

/* Once, when the start is over; costs some tenths of a millisecond. Cannot fail: what the kernel
 * refuses stays. */
void start_memory_return(void);

#endif
