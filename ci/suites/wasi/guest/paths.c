/* Paths: opening, making, removing, renaming, linking, status, with trailing slashes, dots and
 * symbolic links. */
#include "raw.h"

enum { FOLLOW = __WASI_LOOKUPFLAGS_SYMLINK_FOLLOW };

static void make_dir(const char *path)
{
    OK(raw_path_create_directory(ROOT, PATH(path)));
}

static void remove_dir(const char *path)
{
    OK(raw_path_remove_directory(ROOT, PATH(path)));
}

static void remove_file(const char *path)
{
    OK(raw_path_unlink_file(ROOT, PATH(path)));
}

static int type_of(int flags, const char *path)
{
    __wasi_filestat_t status;
    int error = raw_path_filestat_get(ROOT, flags, PATH(path), AT(&status));
    return error ? -error : status.filetype;
}

static void test_open(void)
{
    make_dir("o");
    make_file(ROOT, "o/file", "text");
    EXPECT(NOENT, refusal_of(ROOT, "o/none", 0, 0));
    EXPECT(NOENT, refusal_of(ROOT, "none/file", 0, 0));
    EXPECT(NOENT, refusal_of(ROOT, "", 0, 0));
    EXPECT(NOTDIR, refusal_of(ROOT, "o/file/", 0, 0));
    EXPECT(NOTDIR, refusal_of(ROOT, "o/file///", 0, 0));
    EXPECT(NOTDIR, refusal_of(ROOT, "o/file/x", 0, 0));
    EXPECT(NOTDIR, refusal_of(ROOT, "o/file", __WASI_OFLAGS_DIRECTORY, 0));
    EXPECT(EXIST, refusal_of(ROOT, "o/file", __WASI_OFLAGS_CREAT | __WASI_OFLAGS_EXCL, 0));
    EXPECT(ISDIR, refusal_of(ROOT, "o", __WASI_OFLAGS_DIRECTORY,
                             __WASI_RIGHTS_FD_READ | __WASI_RIGHTS_FD_WRITE));
    EXPECT(ISDIR, refusal_of(ROOT, "o", __WASI_OFLAGS_CREAT, __WASI_RIGHTS_FD_WRITE));
    EXPECT(INVAL, refusal_of(ROOT, "o", __WASI_OFLAGS_CREAT | __WASI_OFLAGS_DIRECTORY, 0));
    EXPECT(INVAL, refusal_of(ROOT, "o", 16, 0));
    OK(refusal_of(ROOT, "o/", 0, 0));
    OK(refusal_of(ROOT, "o///", __WASI_OFLAGS_DIRECTORY, 0));
    OK(refusal_of(ROOT, "o/.//../o/./file", 0, 0));
    OK(refusal_of(ROOT, ".", __WASI_OFLAGS_DIRECTORY, __WASI_RIGHTS_FD_READ));
    i32 fd;
    EXPECT(INVAL, raw_path_open(ROOT, 0, AT("o/file\0"), 7, 0, 0, 0, 0, AT(&fd)));
    static char longer[5000];
    memset(longer, 'x', sizeof longer - 1);
    EXPECT(NAMETOOLONG, refusal_of(ROOT, longer, 0, 0));
    longer[300] = '\0';
    EXPECT(NAMETOOLONG, refusal_of(ROOT, longer, __WASI_OFLAGS_CREAT, 0));
    int file = open_at(ROOT, "o/file", 0, 0, 0);
    EXPECT(NOTDIR, refusal_of(file, "x", 0, 0));
    EXPECT(NOTDIR, raw_path_create_directory(file, PATH("x")));
    OK(raw_fd_close(file));
    /* A closed directory serves no more; an open one outlives its name. */
    int dir = open_at(ROOT, "o", __WASI_OFLAGS_DIRECTORY, ALL_RIGHTS & ~(i64)FILE_RW, 0);
    OK(raw_path_rename(ROOT, PATH("o"), ROOT, PATH("p")));
    OK(refusal_of(dir, "file", 0, 0));
    OK(raw_fd_close(dir));
    EXPECT(BADF, refusal_of(dir, "file", 0, 0));
    OK(raw_path_rename(ROOT, PATH("p"), ROOT, PATH("o")));
    /* Truncation needs no right to write through the new descriptor. */
    __wasi_filestat_t status;
    OK(refusal_of(ROOT, "o/file", __WASI_OFLAGS_TRUNC, 0));
    OK(raw_path_filestat_get(ROOT, 0, PATH("o/file"), AT(&status)));
    CHECK(status.size == 0);
    remove_file("o/file");
    remove_dir("o");
}

static void test_directories(void)
{
    make_dir("d/"); /* a slash at the end is fine for a directory */
    EXPECT(EXIST, raw_path_create_directory(ROOT, PATH("d")));
    EXPECT(EXIST, raw_path_create_directory(ROOT, PATH("d/")));
    EXPECT(EXIST, raw_path_create_directory(ROOT, PATH("d/.")));
    EXPECT(EXIST, raw_path_create_directory(ROOT, PATH("d/..")));
    EXPECT(NOENT, raw_path_create_directory(ROOT, PATH("none/x")));
    EXPECT(NOENT, raw_path_create_directory(ROOT, PATH("")));
    make_file(ROOT, "d/file", "");
    EXPECT(NOTEMPTY, raw_path_remove_directory(ROOT, PATH("d")));
    EXPECT(NOTEMPTY, raw_path_remove_directory(ROOT, PATH("d/")));
    EXPECT(NOTDIR, raw_path_remove_directory(ROOT, PATH("d/file")));
    EXPECT(NOTDIR, raw_path_remove_directory(ROOT, PATH("d/file/")));
    EXPECT(INVAL, raw_path_remove_directory(ROOT, PATH("d/.")));
    EXPECT(NOTEMPTY, raw_path_remove_directory(ROOT, PATH("d/..")));
    EXPECT(NOENT, raw_path_remove_directory(ROOT, PATH("none")));
    EXPECT(ISDIR, raw_path_unlink_file(ROOT, PATH("d")));
    EXPECT(ISDIR, raw_path_unlink_file(ROOT, PATH("d/")));
    EXPECT(ISDIR, raw_path_unlink_file(ROOT, PATH("d/.")));
    EXPECT(NOTDIR, raw_path_unlink_file(ROOT, PATH("d/file/")));
    EXPECT(NOENT, raw_path_unlink_file(ROOT, PATH("d/none")));
    EXPECT(NOENT, raw_path_unlink_file(ROOT, PATH("d/none/")));
    remove_file("d/file");
    remove_dir("d/");
}

static void test_rename(void)
{
    make_dir("a");
    OK(raw_path_rename(ROOT, PATH("a/"), ROOT, PATH("b")));
    OK(raw_path_rename(ROOT, PATH("b"), ROOT, PATH("a/")));
    OK(raw_path_rename(ROOT, PATH("a/"), ROOT, PATH("b/")));
    make_dir("a");
    OK(raw_path_rename(ROOT, PATH("a"), ROOT, PATH("b"))); /* an empty one gives way */
    make_dir("a");
    make_file(ROOT, "b/file", "1");
    EXPECT(NOTEMPTY, raw_path_rename(ROOT, PATH("a"), ROOT, PATH("b")));
    EXPECT(NOTDIR, raw_path_rename(ROOT, PATH("a"), ROOT, PATH("b/file")));
    EXPECT(ISDIR, raw_path_rename(ROOT, PATH("b/file"), ROOT, PATH("a")));
    EXPECT(NOTDIR, raw_path_rename(ROOT, PATH("b/file/"), ROOT, PATH("c")));
    EXPECT(NOTDIR, raw_path_rename(ROOT, PATH("b/file"), ROOT, PATH("c/")));
    EXPECT(INVAL, raw_path_rename(ROOT, PATH("b"), ROOT, PATH("b/inside")));
    EXPECT(NOENT, raw_path_rename(ROOT, PATH("none"), ROOT, PATH("c")));
    EXPECT(BUSY, raw_path_rename(ROOT, PATH("b/."), ROOT, PATH("c")));
    EXPECT(BUSY, raw_path_rename(ROOT, PATH("a"), ROOT, PATH("b/..")));
    make_file(ROOT, "a/file", "22");
    OK(raw_path_rename(ROOT, PATH("a/file"), ROOT, PATH("b/file")));
    __wasi_filestat_t status;
    OK(raw_path_filestat_get(ROOT, 0, PATH("b/file"), AT(&status)));
    CHECK(status.size == 2);
    remove_file("b/file");
    remove_dir("a");
    remove_dir("b");
}

static void test_hard_links(void)
{
    make_dir("h");
    make_file(ROOT, "h/file", "x");
    __wasi_filestat_t one, two;
    OK(raw_path_link(ROOT, 0, PATH("h/file"), ROOT, PATH("h/link")));
    OK(raw_path_filestat_get(ROOT, 0, PATH("h/file"), AT(&one)));
    OK(raw_path_filestat_get(ROOT, 0, PATH("h/link"), AT(&two)));
    CHECK(one.ino == two.ino && one.dev == two.dev && two.nlink == 2);
    EXPECT(EXIST, raw_path_link(ROOT, 0, PATH("h/file"), ROOT, PATH("h/link")));
    EXPECT(EXIST, raw_path_link(ROOT, 0, PATH("h/file"), ROOT, PATH("h")));
    EXPECT(PERM, raw_path_link(ROOT, 0, PATH("h"), ROOT, PATH("hh")));
    EXPECT(NOENT, raw_path_link(ROOT, 0, PATH("h/file"), ROOT, PATH("h/new/")));
    EXPECT(NOTDIR, raw_path_link(ROOT, 0, PATH("h/file/"), ROOT, PATH("h/new")));
    EXPECT(NOENT, raw_path_link(ROOT, 0, PATH("h/none"), ROOT, PATH("h/new")));
    OK(raw_path_symlink(PATH("none"), ROOT, PATH("h/dangling")));
    OK(raw_path_link(ROOT, 0, PATH("h/dangling"), ROOT, PATH("h/same")));
    CHECK(type_of(0, "h/same") == __WASI_FILETYPE_SYMBOLIC_LINK);
    EXPECT(NOENT, raw_path_link(ROOT, FOLLOW, PATH("h/dangling"), ROOT, PATH("h/new")));
    EXPECT(EXIST, raw_path_link(ROOT, 0, PATH("h/file"), ROOT, PATH("h/dangling")));
    OK(raw_path_symlink(PATH("file"), ROOT, PATH("h/sym")));
    OK(raw_path_link(ROOT, FOLLOW, PATH("h/sym"), ROOT, PATH("h/new")));
    CHECK(type_of(0, "h/new") == __WASI_FILETYPE_REGULAR_FILE);
    const char *names[] = {"h/file", "h/link", "h/dangling", "h/same", "h/sym", "h/new"};
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
        remove_file(names[i]);
    }
    remove_dir("h");
}

static void test_symbolic_links(void)
{
    make_dir("s");
    make_file(ROOT, "s/file", "x");
    OK(raw_path_symlink(PATH("file"), ROOT, PATH("s/link")));
    char text[10] = "..........";
    i32 n = 0;
    OK(raw_path_readlink(ROOT, PATH("s/link"), AT(text), 10, AT(&n)));
    CHECK(n == 4 && memcmp(text, "file......", 10) == 0);
    OK(raw_path_readlink(ROOT, PATH("s/link"), AT(text), 2, AT(&n)));
    CHECK(n == 2);
    EXPECT(INVAL, raw_path_readlink(ROOT, PATH("s/file"), AT(text), 10, AT(&n)));
    EXPECT(INVAL, raw_path_readlink(ROOT, PATH("s/"), AT(text), 10, AT(&n)));
    EXPECT(NOENT, raw_path_readlink(ROOT, PATH("s/none"), AT(text), 10, AT(&n)));
    EXPECT(LOOP, refusal_of(ROOT, "s/link", 0, 0));
    i32 fd;
    OK(raw_path_open(ROOT, FOLLOW, PATH("s/link"), 0, 0, 0, 0, AT(&fd)));
    OK(raw_fd_close(fd));
    EXPECT(NOTCAPABLE, raw_path_symlink(PATH("/file"), ROOT, PATH("s/absolute")));
    EXPECT(NOENT, raw_path_symlink(PATH(""), ROOT, PATH("s/empty")));
    EXPECT(EXIST, raw_path_symlink(PATH("x"), ROOT, PATH("s/file")));
    EXPECT(NOENT, raw_path_symlink(PATH("x"), ROOT, PATH("s/new/")));
    EXPECT(NOTDIR, raw_path_symlink(PATH("x"), ROOT, PATH("s/file/")));
    EXPECT(EXIST, raw_path_symlink(PATH("x"), ROOT, PATH("s/")));
    EXPECT(EXIST, raw_path_symlink(PATH("x"), ROOT, PATH("s/.")));
    /* Status: of the link, of what it leads to, through several steps and directories. */
    make_dir("s/deep");
    OK(raw_path_symlink(PATH("../link"), ROOT, PATH("s/deep/again")));
    OK(raw_path_symlink(PATH("deep"), ROOT, PATH("s/todeep")));
    CHECK(type_of(0, "s/todeep/again") == __WASI_FILETYPE_SYMBOLIC_LINK);
    CHECK(type_of(FOLLOW, "s/todeep/again") == __WASI_FILETYPE_REGULAR_FILE);
    CHECK(type_of(0, "s/todeep") == __WASI_FILETYPE_SYMBOLIC_LINK);
    CHECK(type_of(0, "s/todeep/") == __WASI_FILETYPE_DIRECTORY);
    CHECK(type_of(FOLLOW, "s/todeep") == __WASI_FILETYPE_DIRECTORY);
    CHECK(type_of(0, "s/todeep/.") == __WASI_FILETYPE_DIRECTORY);
    CHECK(type_of(0, "s/todeep/..") == __WASI_FILETYPE_DIRECTORY);
    CHECK(type_of(0, ".") == __WASI_FILETYPE_DIRECTORY);
    CHECK(type_of(0, "s/link/") == -__WASI_ERRNO_NOTDIR);
    OK(raw_path_symlink(PATH("me"), ROOT, PATH("s/me")));
    CHECK(type_of(FOLLOW, "s/me") == -__WASI_ERRNO_LOOP);
    CHECK(type_of(0, "s/me") == __WASI_FILETYPE_SYMBOLIC_LINK);
    EXPECT(LOOP, raw_path_open(ROOT, FOLLOW, PATH("s/me"), 0, 0, 0, 0, AT(&fd)));
    EXPECT(NOTDIR, raw_path_remove_directory(ROOT, PATH("s/todeep")));
    EXPECT(NOTDIR, raw_path_remove_directory(ROOT, PATH("s/todeep/")));
    EXPECT(NOTDIR, raw_path_unlink_file(ROOT, PATH("s/todeep/")));
    const char *names[] = {"s/file", "s/link", "s/deep/again", "s/todeep", "s/me"};
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
        remove_file(names[i]);
    }
    remove_dir("s/deep");
    remove_dir("s");
}

static void test_times(void)
{
    make_file(ROOT, "t", "x");
    OK(raw_path_symlink(PATH("t"), ROOT, PATH("tl")));
    __wasi_filestat_t file, link;
    OK(raw_path_filestat_set_times(ROOT, 0, PATH("t"), 0, 3000000000, __WASI_FSTFLAGS_MTIM));
    OK(raw_path_filestat_set_times(ROOT, 0, PATH("tl"), 0, 7000000000, __WASI_FSTFLAGS_MTIM));
    OK(raw_path_filestat_get(ROOT, 0, PATH("t"), AT(&file)));
    OK(raw_path_filestat_get(ROOT, 0, PATH("tl"), AT(&link)));
    CHECK(file.mtim == 3000000000 && link.mtim == 7000000000);
    OK(raw_path_filestat_set_times(ROOT, FOLLOW, PATH("tl"), 0, 9000000000,
                                   __WASI_FSTFLAGS_MTIM));
    OK(raw_path_filestat_get(ROOT, FOLLOW, PATH("tl"), AT(&file)));
    CHECK(file.mtim == 9000000000);
    EXPECT(INVAL, raw_path_filestat_set_times(ROOT, 0, PATH("t"), 0, 0,
                                              __WASI_FSTFLAGS_ATIM | __WASI_FSTFLAGS_ATIM_NOW));
    OK(raw_path_filestat_set_times(ROOT, 0, PATH("."), 0, 0, __WASI_FSTFLAGS_MTIM_NOW));
    EXPECT(NOENT, raw_path_filestat_set_times(ROOT, 0, PATH("none"), 0, 0, 0));
    remove_file("t");
    remove_file("tl");
}

int main(void)
{
    test_open();
    test_directories();
    test_rename();
    test_hard_links();
    test_symbolic_links();
    test_times();
    return finish();
}
