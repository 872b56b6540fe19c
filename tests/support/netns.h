/*
 * Network namespaces for tests: made by unshare, entered by setns, freed with their last
 * descriptor. Sockets stay in the namespace they were opened in, so one process can be in several
 * at a time. Everything ends the program with a reason when the system refuses: a kernel test that
 * cannot run has failed.
 *
 *	netns_require();
 *	int ns = netns_new();
 *	char *text = netns_run("nft list ruleset");
 */
#ifndef TESTS_SUPPORT_NETNS_H
#define TESTS_SUPPORT_NETNS_H

/* Ends the program unless namespaces can be made and nft(8) and ip(8) are there. */
void netns_require(void);
/* The same for another program that a test needs. */
void netns_require_program(const char *path);
/* Makes a namespace, enters it, brings up its loopback. The caller closes the descriptor. */
int netns_new(void);
void netns_enter(int ns);
/* The present namespace. The caller closes the descriptor. */
int netns_current(void);
/* The output of a shell command; it must succeed. Caller frees. */
char *netns_run(const char *command);
void netns_do(const char *command, ...) __attribute__((format(printf, 1, 2)));
/* Exit status of a shell command, its output dropped. */
int netns_try(const char *command);

#endif
