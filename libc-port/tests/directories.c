/* Directories, the working directory, paths relative to descriptors, confinement. */
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "test.h"

static void test_listing(void)
{
    enum { COUNT = 200 };
    char name[16];
    CHECK(mkdir("many", 0755) == 0);
    CHECK_ERROR(mkdir("many", 0755), EEXIST);
    for (int i = 0; i < COUNT; i++) {
        snprintf(name, sizeof name, "many/%03d", i);
        close(open(name, O_CREAT | O_WRONLY, 0600));
    }
    int seen = 0, dots = 0;
    DIR *stream = opendir("many");
    CHECK(stream != NULL);
    for (struct dirent *entry; (entry = readdir(stream)) != NULL;) {
        dots += entry->d_name[0] == '.';
        seen += entry->d_type == DT_REG && atoi(entry->d_name) < COUNT;
    }
    CHECK(seen == COUNT && dots == 2);
    rewinddir(stream);
    CHECK(readdir(stream) != NULL);
    long place = telldir(stream);
    struct dirent *next = readdir(stream);
    CHECK(next && snprintf(name, sizeof name, "%s", next->d_name) > 0);
    seekdir(stream, place);
    CHECK((next = readdir(stream)) && strcmp(next->d_name, name) == 0);
    CHECK(closedir(stream) == 0);
    struct dirent **list = NULL;
    int count = scandir("many", &list, NULL, alphasort);
    CHECK(count == COUNT + 2 && strcmp(list[2]->d_name, "000") == 0);
    for (int i = 0; i < count; i++) {
        free(list[i]);
    }
    free(list);
    CHECK_ERROR(rmdir("many"), ENOTEMPTY);
    for (int i = 0; i < COUNT; i++) {
        snprintf(name, sizeof name, "many/%03d", i);
        unlink(name);
    }
    CHECK(rmdir("many") == 0);
    CHECK(!opendir("many") && errno == ENOENT);
}

static void test_working_directory(void)
{
    char before[256], now[256], small[2];
    CHECK(getcwd(before, sizeof before) != NULL);
    CHECK(!getcwd(small, sizeof small) && errno == ERANGE);
    CHECK(mkdir("w", 0700) == 0 && chdir("w") == 0 && getcwd(now, sizeof now));
    CHECK(strlen(now) == strlen(before) + 2 && strcmp(now + strlen(before), "/w") == 0);
    CHECK(close(open("f", O_CREAT | O_WRONLY, 0600)) == 0);
    CHECK_ERROR(chdir("f"), ENOTDIR);
    int fd = open("..", O_RDONLY | O_DIRECTORY);
    CHECK(fd >= 0 && fchdir(fd) == 0 && getcwd(now, sizeof now) && strcmp(now, before) == 0);
    struct stat info;
    CHECK(fstatat(fd, "w/f", &info, 0) == 0);
    CHECK(renameat(fd, "w/f", fd, "g") == 0 && unlinkat(fd, "g", 0) == 0);
    CHECK(mkdirat(fd, "x", 0700) == 0 && unlinkat(fd, "x", AT_REMOVEDIR) == 0);
    CHECK_ERROR(unlinkat(fd, "w", 0), EISDIR);
    CHECK_ERROR(openat(fd, "w/f/g", O_RDONLY), ENOENT);
    CHECK_ERROR(unlinkat(fd, "w", 0x1000), EINVAL);
    CHECK(close(fd) == 0 && rmdir("w") == 0);
    CHECK_ERROR(openat(99, "x", O_RDONLY), EBADF);
}

static void test_confined(void)
{
    CHECK(mkdir("in", 0700) == 0 && close(open("out", O_CREAT | O_WRONLY, 0600)) == 0);
    CHECK(close(open("in/f", O_CREAT | O_WRONLY, 0600)) == 0);
    CHECK(symlink("../out", "in/up") == 0 && symlink("f", "in/here") == 0);
    int fd = open("in", O_RDONLY | O_DIRECTORY);
    int flags = O_RDONLY | O_RESOLVE_BENEATH;
    CHECK(close(openat(fd, "f", flags)) == 0 && close(openat(fd, "here", flags)) == 0);
    CHECK(close(openat(fd, "../in/f", O_RDONLY)) == 0);
    CHECK_ERROR(openat(fd, "../out", flags), ENOTCAPABLE);
    CHECK_ERROR(openat(fd, "../in/f", flags), ENOTCAPABLE);
    CHECK_ERROR(openat(fd, "up", flags), ENOTCAPABLE);
    CHECK_ERROR(openat(fd, "/dev/null", flags), ENOTCAPABLE);
    CHECK(strcmp(strerror(ENOTCAPABLE), "Capabilities insufficient") == 0);
    CHECK(close(fd) == 0 && unlink("in/f") == 0 && unlink("in/up") == 0);
    CHECK(unlink("in/here") == 0 && rmdir("in") == 0 && unlink("out") == 0);
}

void test_directories(void)
{
    test_listing();
    test_working_directory();
    test_confined();
}
