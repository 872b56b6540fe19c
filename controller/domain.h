/*
 * The domain of the cluster's Services: from the search list that kubelet writes into
 * /etc/resolv.conf of each Pod (resolv.conf(5)). Pure but for domain_of_cluster.
 */
#ifndef CONTROLLER_DOMAIN_H
#define CONTROLLER_DOMAIN_H

#define DOMAIN_FALLBACK "cluster.local"

/* What follows "svc." in the first such entry of the search list; NULL when there is none. Caller
 * frees. */
char *domain_parse(const char *resolv_conf);
/* The configured one when it is not "", else as above, else DOMAIN_FALLBACK. Caller frees. */
char *domain_of_cluster(const char *configured);

#endif
