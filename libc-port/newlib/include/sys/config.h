/* What newlib must know about Pith before anything else: errno and stdio state belong to the
 * thread (__getreent), and read and write count in the types of POSIX. */
#ifndef __DYNAMIC_REENT__
#define __DYNAMIC_REENT__
#endif
#define _READ_WRITE_RETURN_TYPE  _ssize_t
#define _READ_WRITE_BUFSIZE_TYPE __SIZE_TYPE__
#define __FILENAME_MAX__         4096
#include_next <sys/config.h>
