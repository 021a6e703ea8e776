/* Ways out of the preopened directory: every one must be refused, by every function.
 *
 * The host has made, beside the directory that is preopened as "/", a directory "outside" with
 * a file "secret"; and inside: "absolute", a link to its absolute path, "absolute-file", one to
 * the secret, and "kept/absolute", which is the same as the first. The guest makes the relative
 * links itself. Whoever runs this checks that "outside" is as before.
 */
#include "raw.h"

enum { FOLLOW = __WASI_LOOKUPFLAGS_SYMLINK_FOLLOW };

static void refuse_all(const char *directory, const char *file)
{
    i32 fd, n;
    char text[64];
    __wasi_filestat_t status;
    for (int flags = 0; flags <= FOLLOW; flags++) {
        EXPECT(NOTCAPABLE, raw_path_open(ROOT, flags, PATH(file), 0, 0, 0, 0, AT(&fd)));
        EXPECT(NOTCAPABLE, raw_path_open(ROOT, flags, PATH(file), __WASI_OFLAGS_CREAT, FILE_RW,
                                         0, 0, AT(&fd)));
        EXPECT(NOTCAPABLE, raw_path_open(ROOT, flags, PATH(file), __WASI_OFLAGS_TRUNC, FILE_RW,
                                         0, 0, AT(&fd)));
        EXPECT(NOTCAPABLE, raw_path_filestat_get(ROOT, flags, PATH(file), AT(&status)));
        EXPECT(NOTCAPABLE, raw_path_filestat_set_times(ROOT, flags, PATH(file), 0, 0,
                                                       __WASI_FSTFLAGS_MTIM));
        EXPECT(NOTCAPABLE, raw_path_link(ROOT, flags, PATH(file), ROOT, PATH("stolen")));
    }
    EXPECT(NOTCAPABLE, raw_path_create_directory(ROOT, PATH(file)));
    EXPECT(NOTCAPABLE, raw_path_remove_directory(ROOT, PATH(file)));
    EXPECT(NOTCAPABLE, raw_path_unlink_file(ROOT, PATH(file)));
    EXPECT(NOTCAPABLE, raw_path_readlink(ROOT, PATH(file), AT(text), 64, AT(&n)));
    EXPECT(NOTCAPABLE, raw_path_symlink(PATH("x"), ROOT, PATH(file)));
    EXPECT(NOTCAPABLE, raw_path_rename(ROOT, PATH(file), ROOT, PATH("stolen")));
    EXPECT(NOTCAPABLE, raw_path_rename(ROOT, PATH("mine"), ROOT, PATH(file)));
    EXPECT(NOTCAPABLE, raw_path_link(ROOT, 0, PATH("mine"), ROOT, PATH(file)));
    /* The directory itself, under names that make it so. */
    static const char *const ends[] = {"/", "/.", "//", "/./", "/sub/.."};
    for (unsigned i = 0; i < sizeof ends / sizeof *ends; i++) {
        char path[300];
        snprintf(path, sizeof path, "%s%s", directory, ends[i]);
        EXPECT(NOTCAPABLE, raw_path_open(ROOT, 0, PATH(path), 0, 0, 0, 0, AT(&fd)));
        EXPECT(NOTCAPABLE, raw_path_filestat_get(ROOT, 0, PATH(path), AT(&status)));
        EXPECT(NOTCAPABLE, raw_path_filestat_get(ROOT, FOLLOW, PATH(path), AT(&status)));
        EXPECT(NOTCAPABLE,
               raw_path_filestat_set_times(ROOT, 0, PATH(path), 0, 0, __WASI_FSTFLAGS_MTIM));
        EXPECT(NOTCAPABLE, raw_path_readlink(ROOT, PATH(path), AT(text), 64, AT(&n)));
    }
}

/* Links whose last component leads out: only following is refused; the link is the guest's. */
static void refuse_following(const char *link)
{
    i32 fd;
    __wasi_filestat_t status;
    EXPECT(NOTCAPABLE, raw_path_open(ROOT, FOLLOW, PATH(link), 0, 0, 0, 0, AT(&fd)));
    EXPECT(NOTCAPABLE,
           raw_path_open(ROOT, FOLLOW, PATH(link), __WASI_OFLAGS_CREAT, 0, 0, 0, AT(&fd)));
    EXPECT(LOOP, raw_path_open(ROOT, 0, PATH(link), 0, 0, 0, 0, AT(&fd)));
    EXPECT(NOTCAPABLE, raw_path_filestat_get(ROOT, FOLLOW, PATH(link), AT(&status)));
    OK(raw_path_filestat_get(ROOT, 0, PATH(link), AT(&status)));
    CHECK(status.filetype == __WASI_FILETYPE_SYMBOLIC_LINK);
    EXPECT(NOTCAPABLE,
           raw_path_filestat_set_times(ROOT, FOLLOW, PATH(link), 0, 0, __WASI_FSTFLAGS_MTIM));
    EXPECT(NOTCAPABLE, raw_path_link(ROOT, FOLLOW, PATH(link), ROOT, PATH("stolen")));
}

static void test_climbing(void)
{
    /* ".." above the root is not the root, as in chroot: it is refused. */
    static const char *const paths[] = {"..",
                                        "../",
                                        "../outside",
                                        "a/../..",
                                        "a/b/../../../x",
                                        "./..",
                                        "a/./../../outside/secret"};
    i32 fd;
    __wasi_filestat_t status;
    for (unsigned i = 0; i < sizeof paths / sizeof *paths; i++) {
        EXPECT(NOTCAPABLE, refusal_of(ROOT, paths[i], 0, 0));
        EXPECT(NOTCAPABLE, raw_path_filestat_get(ROOT, 0, PATH(paths[i]), AT(&status)));
        EXPECT(NOTCAPABLE, raw_path_create_directory(ROOT, PATH(paths[i])));
        EXPECT(NOTCAPABLE, raw_path_unlink_file(ROOT, PATH(paths[i])));
        EXPECT(NOTCAPABLE, raw_path_remove_directory(ROOT, PATH(paths[i])));
    }
    /* Out and in again is out. */
    EXPECT(NOTCAPABLE, refusal_of(ROOT, "../inside/mine", 0, 0));
    EXPECT(NOTCAPABLE, refusal_of(ROOT, "/mine", 0, 0));
    EXPECT(NOTCAPABLE, raw_path_filestat_get(ROOT, 0, PATH("/"), AT(&status)));
    /* A directory opened by the guest confines as the preopened one does. */
    int sub = open_at(ROOT, "a", __WASI_OFLAGS_DIRECTORY, ALL_RIGHTS & ~(i64)FILE_RW, 0);
    EXPECT(NOTCAPABLE, refusal_of(sub, "../mine", 0, 0));
    EXPECT(NOTCAPABLE, refusal_of(sub, "b/../../mine", 0, 0));
    EXPECT(NOTCAPABLE, raw_path_filestat_get(sub, 0, PATH(".."), AT(&status)));
    OK(raw_path_open(sub, 0, PATH("b/.."), 0, 0, 0, 0, AT(&fd)));
    OK(raw_fd_close(fd));
    /* Moved away while open, it still is its own root. */
    OK(raw_path_rename(ROOT, PATH("a"), ROOT, PATH("moved")));
    EXPECT(NOTCAPABLE, refusal_of(sub, "../mine", 0, 0));
    OK(raw_path_rename(ROOT, PATH("moved"), ROOT, PATH("a")));
    OK(raw_fd_close(sub));
}

int main(void)
{
    make_file(ROOT, "mine", "mine");
    OK(raw_path_create_directory(ROOT, PATH("a")));
    OK(raw_path_create_directory(ROOT, PATH("a/b")));
    test_climbing();
    OK(raw_path_symlink(PATH("../outside"), ROOT, PATH("relative")));
    OK(raw_path_symlink(PATH("../../../outside"), ROOT, PATH("a/b/relative")));
    OK(raw_path_symlink(PATH("a/b/relative"), ROOT, PATH("chain")));
    OK(raw_path_symlink(PATH(".."), ROOT, PATH("up")));
    OK(raw_path_symlink(PATH("../outside/secret"), ROOT, PATH("relative-file")));
    OK(raw_path_symlink(PATH("chain/secret"), ROOT, PATH("chain-file")));
    refuse_all("../outside", "../outside/secret");
    refuse_all("absolute", "absolute/secret");
    refuse_all("relative", "relative/secret");
    refuse_all("chain", "chain/secret");
    refuse_all("up", "up/outside/secret");
    refuse_all("a/../relative", "a/../relative/secret");
    static const char *const links[] = {
        "absolute",    "absolute-file", "kept/absolute", "relative",
        "chain",       "relative-file", "chain-file",    "up",
        "a/b/relative"};
    for (unsigned i = 0; i < sizeof links / sizeof *links; i++) {
        refuse_following(links[i]);
    }
    /* A link that goes up and stays inside is followed. */
    i32 fd;
    OK(raw_path_symlink(PATH("../../mine"), ROOT, PATH("a/b/fine")));
    OK(raw_path_open(ROOT, FOLLOW, PATH("a/b/fine"), 0, 0, 0, 0, AT(&fd)));
    OK(raw_fd_close(fd));
    return finish();
}
