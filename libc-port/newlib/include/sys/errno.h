/* newlib's error numbers, and the one that it leaves out. */
#include_next <sys/errno.h>

#ifndef ENOTCAPABLE
#define ENOTCAPABLE 93 /* the path leads out of the directory it is confined to */
#endif
