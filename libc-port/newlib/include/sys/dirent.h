/* What <dirent.h> needs to know of the system's directories. */
#ifndef _SYS_DIRENT_H
#define _SYS_DIRENT_H

#include <sys/types.h>

struct dirent {
    ino_t d_ino;
    unsigned char d_type; /* DT_* */
    char d_name[256];
};

/* The same numbers as the file type bits of st_mode, shifted down by 12. */
#define DT_UNKNOWN 0
#define DT_FIFO    1
#define DT_CHR     2
#define DT_DIR     4
#define DT_BLK     6
#define DT_REG     8
#define DT_LNK     10
#define DT_SOCK    12

#define IFTODT(mode)  (((mode)&0170000) >> 12)
#define DTTOIF(dtype) ((dtype) << 12)

#define _DIRENT_HAVE_D_TYPE 1

typedef struct __pith_dir DIR;

#endif
