#include "route/netconf.h"
#include "route/rp_filter.h"
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include "src/netns.h"
struct netconf { int fd; int ns; };
struct netconf *netconf_open(int netns_fd, struct error *err){ struct netconf*n=calloc(1,sizeof*n); int t=netns_enter(netns_fd); n->fd=socket(AF_INET,SOCK_DGRAM|SOCK_CLOEXEC,0); netns_leave(t); n->ns=dup(netns_fd); return n; }
void netconf_close(struct netconf *nc){ if(!nc)return; close(nc->fd);close(nc->ns);free(nc);}
int netconf_ifname(struct netconf *nc, int i, char *name){ struct ifreq r={0}; r.ifr_ifindex=i; if(ioctl(nc->fd,SIOCGIFNAME,&r))return -1; strcpy(name,r.ifr_name);return 0;}
int netconf_ifindex(struct netconf *nc, const char *name){ struct ifreq r={0}; strncpy(r.ifr_name,name,15); if(ioctl(nc->fd,SIOCGIFINDEX,&r))return 0; return r.ifr_ifindex;}
int netconf_rp_filter(struct netconf *nc, int i, int *all, int *dev){ char p[128],nm[16]; if(netconf_ifname(nc,i,nm))return -1; int t=netns_enter(nc->ns); FILE*f=fopen("/proc/sys/net/ipv4/conf/all/rp_filter","r"); if(f){fscanf(f,"%d",all);fclose(f);} snprintf(p,128,"/proc/sys/net/ipv4/conf/%s/rp_filter",nm); f=fopen(p,"r"); if(f){fscanf(f,"%d",dev);fclose(f);} netns_leave(t); return 0;}
void rp_filter_decide(const struct rp_filter_facts *f, struct rp_filter_verdict *v){ v->mode=f->all>f->dev?f->all:f->dev; v->pass=v->mode==0||(v->mode==1&&f->reverse_ifindex==f->iif)||(v->mode==2&&f->reverse_found); snprintf(v->reason,256,"reverse route to %s leaves by %s",f->source,f->reverse_name); }
