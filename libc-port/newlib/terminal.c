/* The terminal as <termios.h> sees it. The console has four modes: ICANON, ECHO, ISIG and
 * newline translation (OPOST, with ICRNL). Every other setting reads as what the console does
 * and stays so: tcsetattr carries out what it can, as POSIX allows; tcgetattr tells. */
#include <errno.h>
#include <string.h>
#include <sys/termios.h>
#include <unistd.h>

#include <proto/console.h>
#include <proto/process.h>

#include "glue.h"

/* Control characters of the console's line discipline; they are fixed. */
static const cc_t control_characters[NCCS] = {
    [VINTR] = 3, [VERASE] = 127, [VKILL] = 21, [VEOF] = 4, [VMIN] = 1,
};

/* The descriptor, if it is a terminal; else NULL with EBADF or ENOTTY. */
static struct descriptor *terminal(int fd)
{
    struct descriptor *d = descriptor_get(fd);
    if (d && d->service != IO_SERVICE_CONSOLE) {
        errno = ENOTTY;
        return NULL;
    }
    return d;
}

int isatty(int fd)
{
    return terminal(fd) != NULL;
}

char *ttyname(int fd)
{
    static char name[] = "/dev/console";
    return terminal(fd) ? name : NULL;
}

int ttyname_r(int fd, char *name, size_t size)
{
    const char *own = ttyname(fd);
    if (!own) {
        return errno;
    }
    if (strlen(own) >= size) {
        return ERANGE;
    }
    strcpy(name, own);
    return 0;
}

int tcgetattr(int fd, struct termios *settings)
{
    struct descriptor *d = terminal(fd);
    uint32_t mode = 0;
    if (!d) {
        return -1;
    }
    libc_enter();
    if (libc_leave(console_get_mode(descriptor_session(d), d->handle, &mode))) {
        return -1;
    }
    memset(settings, 0, sizeof *settings);
    memcpy(settings->c_cc, control_characters, sizeof settings->c_cc);
    settings->c_cflag = CS8 | CREAD | CLOCAL;
    settings->c_ispeed = settings->c_ospeed = B115200;
    settings->c_iflag = mode & TERMINAL_MODE_NEWLINE ? ICRNL : 0;
    settings->c_oflag = mode & TERMINAL_MODE_NEWLINE ? OPOST | ONLCR : 0;
    settings->c_lflag = (mode & TERMINAL_MODE_CANONICAL ? ICANON : 0) |
                        (mode & TERMINAL_MODE_ECHO ? ECHO | ECHOE | ECHOK : 0) |
                        (mode & TERMINAL_MODE_SIGNALS ? ISIG : 0);
    return 0;
}

int tcsetattr(int fd, int when, const struct termios *settings)
{
    struct descriptor *d = terminal(fd);
    if (!d) {
        return -1;
    }
    if (when < TCSANOW || when > TCSAFLUSH) {
        errno = EINVAL;
        return -1;
    }
    if (when == TCSAFLUSH && tcflush(fd, TCIFLUSH) < 0) {
        return -1;
    }
    uint32_t mode = (settings->c_lflag & ICANON ? TERMINAL_MODE_CANONICAL : 0) |
                    (settings->c_lflag & ECHO ? TERMINAL_MODE_ECHO : 0) |
                    (settings->c_lflag & ISIG ? TERMINAL_MODE_SIGNALS : 0) |
                    (settings->c_oflag & OPOST ? TERMINAL_MODE_NEWLINE : 0);
    uint32_t before = 0;
    libc_enter();
    return libc_leave(console_set_mode(descriptor_session(d), d->handle, mode, &before));
}

int tcflush(int fd, int queues)
{
    struct descriptor *d = terminal(fd);
    if (!d) {
        return -1;
    }
    if (queues == TCOFLUSH) { /* output is never held back */
        return 0;
    }
    libc_enter();
    return libc_leave(queues < TCIFLUSH || queues > TCIOFLUSH
                          ? E_INVAL
                          : console_flush(descriptor_session(d), d->handle));
}

int tcdrain(int fd)
{
    return terminal(fd) ? 0 : -1; /* a write is answered when it is on its way */
}

int tcflow(int fd, int action)
{
    (void)action;
    if (terminal(fd)) {
        errno = ENOTSUP;
    }
    return -1;
}

int tcsendbreak(int fd, int duration)
{
    (void)duration;
    if (terminal(fd)) {
        errno = ENOTSUP;
    }
    return -1;
}

/* The group that Ctrl-C goes to. Who it is now nobody tells. */
int tcsetpgrp(int fd, pid_t group)
{
    if (!terminal(fd)) {
        return -1;
    }
    libc_enter();
    return libc_leave(
        group <= 0 ? E_INVAL
                   : process_foreground(session_to(STARTUP_SLOT_PROCESS), (uint32_t)group));
}

pid_t tcgetpgrp(int fd)
{
    if (terminal(fd)) {
        errno = ENOTSUP;
    }
    return -1;
}

speed_t cfgetispeed(const struct termios *settings)
{
    return settings->c_ispeed;
}

speed_t cfgetospeed(const struct termios *settings)
{
    return settings->c_ospeed;
}

int cfsetispeed(struct termios *settings, speed_t speed)
{
    settings->c_ispeed = speed;
    return 0;
}

int cfsetospeed(struct termios *settings, speed_t speed)
{
    settings->c_ospeed = speed;
    return 0;
}

void cfmakeraw(struct termios *settings)
{
    settings->c_iflag &=
        ~(tcflag_t)(IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR | IGNCR | ICRNL | IXON);
    settings->c_oflag &= ~(tcflag_t)OPOST;
    settings->c_lflag &= ~(tcflag_t)(ECHO | ECHONL | ICANON | ISIG | IEXTEN);
    settings->c_cflag &= ~(tcflag_t)(CSIZE | PARENB);
    settings->c_cflag |= CS8;
    settings->c_cc[VMIN] = 1;
    settings->c_cc[VTIME] = 0;
}
