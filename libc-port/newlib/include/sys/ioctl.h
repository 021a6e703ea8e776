/* The few requests that have no function of their own. Others: ENOTTY. */
#ifndef _SYS_IOCTL_H
#define _SYS_IOCTL_H

#include <sys/termios.h> /* struct winsize */

#define TIOCGWINSZ 0x5413 /* struct winsize *: size of the terminal in characters */
#define FIONREAD   0x541b /* int *: bytes of a file behind the position; ENOTTY for streams */
#define FIONBIO    0x5421 /* int *: like O_NONBLOCK */

#ifdef __cplusplus
extern "C" {
#endif
int ioctl(int fd, unsigned long request, ...);
#ifdef __cplusplus
}
#endif

#endif
