/* stdio, files and what is known about them. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <unistd.h>
#include <utime.h>

#include "test.h"

void test_stdio(void)
{
    FILE *file = fopen("s", "w+");
    CHECK(file != NULL);
    CHECK(fprintf(file, "%d %s %.3f %Lg\n", 42, "words", 1.5, 0.1L) == 19);
    CHECK(fputs("second\n", file) >= 0);
    CHECK(fseek(file, 0, SEEK_SET) == 0);
    int number = 0;
    char word[16] = "", line[32] = "";
    float real = 0;
    CHECK(fscanf(file, "%d %15s %f", &number, word, &real) == 3);
    CHECK(number == 42 && strcmp(word, "words") == 0 && real == 1.5f);
    CHECK(fgets(line, sizeof line, file) && strcmp(line, " 0.1\n") == 0);
    CHECK(fgets(line, sizeof line, file) && strcmp(line, "second\n") == 0);
    CHECK(fgetc(file) == EOF && feof(file));
    CHECK(ungetc('x', file) == 'x' && fgetc(file) == 'x');
    CHECK(ftell(file) == 26 && fclose(file) == 0);
    CHECK((file = fopen("s", "a+")) && fputs("end", file) >= 0 && fclose(file) == 0);
    struct stat info;
    CHECK(stat("s", &info) == 0 && info.st_size == 29);
    char *text = NULL;
    size_t size = 0;
    CHECK((file = open_memstream(&text, &size)) && fputs("memory", file) >= 0);
    CHECK(fclose(file) == 0 && size == 6 && strcmp(text, "memory") == 0);
    free(text);
    CHECK((file = tmpfile()) && fclose(file) == 0);
    CHECK(!fopen("none", "r") && errno == ENOENT);
    CHECK(remove("s") == 0);
    CHECK_ERROR(remove("s"), ENOENT);
}

static void test_positions(void)
{
    char buffer[8] = "";
    int fd = open("p", O_RDWR | O_CREAT | O_EXCL, 0644);
    CHECK(fd >= 0);
    CHECK_ERROR(open("p", O_RDWR | O_CREAT | O_EXCL, 0644), EEXIST);
    CHECK(write(fd, "0123456789", 10) == 10);
    CHECK(lseek(fd, -3, SEEK_END) == 7 && read(fd, buffer, 8) == 3);
    CHECK(memcmp(buffer, "789", 3) == 0 && read(fd, buffer, 8) == 0);
    CHECK(pwrite(fd, "AB", 2, 4) == 2 && pread(fd, buffer, 4, 3) == 4);
    CHECK(memcmp(buffer, "3AB6", 4) == 0 && lseek(fd, 0, SEEK_CUR) == 10);
    CHECK_ERROR(lseek(fd, -1, SEEK_SET), EINVAL);
    CHECK_ERROR(pread(fd, buffer, 1, -1), EINVAL);
    CHECK(ftruncate(fd, 5) == 0 && lseek(fd, 0, SEEK_END) == 5);
    CHECK(ftruncate(fd, 100000) == 0 && pread(fd, buffer, 8, 99996) == 4 && buffer[0] == 0);
    struct iovec vector[2] = {{(char[]){"ab"}, 2}, {(char[]){"cde"}, 3}};
    CHECK(lseek(fd, 0, SEEK_SET) == 0 && writev(fd, vector, 2) == 5);
    CHECK(preadv(fd, (struct iovec[]){{buffer, 2}, {buffer + 2, 3}}, 2, 0) == 5);
    CHECK(memcmp(buffer, "abcde", 5) == 0);
    CHECK(posix_fallocate(fd, 0, 200000) == 0);
    CHECK(posix_fallocate(fd, -1, 1) == EINVAL);
    CHECK(close(fd) == 0);
    CHECK_ERROR(close(fd), EBADF);
    CHECK_ERROR(read(fd, buffer, 1), EBADF);
    CHECK((fd = open("p", O_RDONLY)) >= 0);
    CHECK_ERROR(write(fd, "x", 1), EBADF);
    CHECK(close(fd) == 0 && unlink("p") == 0);
}

/* More than one request carries. */
static void test_large(void)
{
    enum { SIZE = 300001 };
    char *out = malloc(SIZE), *in = malloc(SIZE);
    for (int i = 0; i < SIZE; i++) {
        out[i] = (char)(i * 7 + i / 256);
    }
    int fd = open("l", O_RDWR | O_CREAT, 0600);
    CHECK(write(fd, out, SIZE) == SIZE && lseek(fd, 0, SEEK_SET) == 0);
    CHECK(read(fd, in, SIZE) == SIZE && memcmp(in, out, SIZE) == 0);
    CHECK(pread(fd, in, SIZE, 100000) == SIZE - 100000);
    CHECK(memcmp(in, out + 100000, SIZE - 100000) == 0);
    CHECK(close(fd) == 0 && unlink("l") == 0);
    free(out);
    free(in);
}

static void test_status(void)
{
    struct stat info, other;
    int fd = open("t", O_WRONLY | O_CREAT, 0666);
    CHECK(write(fd, "abc", 3) == 3 && fstat(fd, &info) == 0);
    CHECK(S_ISREG(info.st_mode) && (info.st_mode & 0777) == 0644 && info.st_size == 3);
    CHECK(stat("t", &other) == 0 && other.st_ino == info.st_ino && other.st_nlink == 1);
    CHECK(chmod("t", 0755) == 0 && stat("t", &info) == 0 && (info.st_mode & 0777) == 0755);
    CHECK(access("t", R_OK | W_OK | X_OK) == 0 && chmod("t", 0600) == 0);
    CHECK_ERROR(access("t", X_OK), EACCES);
    CHECK(fchmod(fd, 0711) == 0 && access("t", X_OK) == 0);
    CHECK_ERROR(access("u", F_OK), ENOENT);
    CHECK(utime("t", &(struct utimbuf){1000, 2000}) == 0 && stat("t", &info) == 0);
    CHECK(info.st_atime == 1000 && info.st_mtime == 2000);
    struct timespec times[2] = {{0, UTIME_OMIT}, {5, 7}};
    CHECK(futimens(fd, times) == 0 && fstat(fd, &info) == 0);
    CHECK(info.st_atime == 1000 && info.st_mtim.tv_sec == 5 && info.st_mtim.tv_nsec == 7);
    CHECK_ERROR(utimensat(AT_FDCWD, "t", (struct timespec[]){{0, -5}, {0, 0}}, 0), EINVAL);
    CHECK(truncate("t", 1) == 0 && stat("t", &info) == 0 && info.st_size == 1);
    struct statvfs system;
    CHECK(statvfs("/", &system) == 0 && system.f_namemax == 255 && system.f_bfree > 0);
    CHECK(close(fd) == 0 && unlink("t") == 0);
    CHECK(stat("/dev/null", &info) == 0 && S_ISCHR(info.st_mode));
    CHECK_ERROR(stat("", &info), ENOENT);
    char path[5000];
    memset(path, 'a', sizeof path - 1);
    path[sizeof path - 1] = 0;
    CHECK_ERROR(stat(path, &info), ENAMETOOLONG);
    path[300] = 0;
    CHECK_ERROR(open(path, O_CREAT | O_WRONLY, 0600), ENAMETOOLONG);
}

static void test_links(void)
{
    char buffer[64] = "";
    struct stat info;
    CHECK(close(open("a", O_CREAT | O_WRONLY, 0600)) == 0);
    CHECK(link("a", "b") == 0 && stat("b", &info) == 0 && info.st_nlink == 2);
    CHECK(symlink("a", "c") == 0 && readlink("c", buffer, sizeof buffer) == 1);
    CHECK(buffer[0] == 'a' && lstat("c", &info) == 0 && S_ISLNK(info.st_mode));
    CHECK(stat("c", &info) == 0 && S_ISREG(info.st_mode));
    CHECK_ERROR(open("c", O_RDONLY | O_NOFOLLOW), ELOOP);
    CHECK_ERROR(readlink("a", buffer, sizeof buffer), EINVAL);
    CHECK(symlink("loop", "loop") == 0);
    CHECK_ERROR(stat("loop", &info), ELOOP);
    char *here = getcwd(NULL, 0), *real = realpath("c", NULL);
    CHECK(here && real && strncmp(real, here, strlen(here)) == 0);
    CHECK(real && strcmp(real + strlen(real) - 2, "/a") == 0);
    free(here);
    free(real);
    CHECK(rename("a", "d") == 0 && unlink("b") == 0);
    CHECK_ERROR(stat("c", &info), ENOENT);
    CHECK_ERROR(rename("a", "e"), ENOENT);
    CHECK(unlink("c") == 0 && unlink("d") == 0 && unlink("loop") == 0);
}

void test_files(void)
{
    test_positions();
    test_large();
    test_status();
    test_links();
}
