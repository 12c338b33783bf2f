#ifndef NFPATH_ROUTE_RP_FILTER_H
#define NFPATH_ROUTE_RP_FILTER_H
#include <stdbool.h>
struct rp_filter_facts { int all, dev, iif, reverse_ifindex; bool reverse_found; const char *iif_name, *reverse_name, *source; };
struct rp_filter_verdict { int mode; bool pass; char reason[256]; };
void rp_filter_decide(const struct rp_filter_facts *f, struct rp_filter_verdict *v);
#endif
