/* Limits of this system; read through <limits.h>. */
#ifndef _SYS_SYSLIMITS_H_
#define _SYS_SYSLIMITS_H_

#define ARG_MAX   32768
#define CHILD_MAX 40
#define IOV_MAX   1024
#define LINK_MAX  32767
#define MAX_CANON 255
#define MAX_INPUT 255
#define NAME_MAX  255
#define OPEN_MAX  256
#define PATH_MAX  4096 /* the final NUL included */
#define PIPE_BUF  4096

#define NGROUPS_MAX 16

#define BC_BASE_MAX      99
#define BC_DIM_MAX       2048
#define BC_SCALE_MAX     99
#define BC_STRING_MAX    1000
#define COLL_WEIGHTS_MAX 2
#define EXPR_NEST_MAX    32
#define LINE_MAX         2048
#define RE_DUP_MAX       255

#endif
