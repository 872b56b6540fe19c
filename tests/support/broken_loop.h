/*
 * A loop that the kernel refuses: every epoll instance of this process becomes something else.
 */
#ifndef TESTS_SUPPORT_BROKEN_LOOP_H
#define TESTS_SUPPORT_BROKEN_LOOP_H

void broken_loop_make(void);

#endif
