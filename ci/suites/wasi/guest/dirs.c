/* Reading directories: entries, cookies, small buffers, changes on the way. */
#include "raw.h"

enum { ENTRY = sizeof(__wasi_dirent_t), NAMES = 300 };

/* Calls visit(name, length, entry) for the whole entries in a buffer of `size` bytes that is
 * read from `cookie` on; gives the bytes used, and the cookie after the last whole entry. */
static i32 read_some(int dir, i32 size, uint64_t *cookie,
                     void (*visit)(const char *, const __wasi_dirent_t *))
{
    static uint8_t buffer[8192];
    i32 used = -1;
    OK(raw_fd_readdir(dir, AT(buffer), size, (i64)*cookie, AT(&used)));
    CHECK(used >= 0 && used <= size);
    for (i32 at = 0; at + ENTRY <= used;) {
        __wasi_dirent_t entry;
        memcpy(&entry, buffer + at, ENTRY);
        at += ENTRY + (i32)entry.d_namlen;
        if (at > used) {
            break;
        }
        char name[300] = {0};
        memcpy(name, buffer + at - entry.d_namlen, entry.d_namlen);
        *cookie = entry.d_next;
        visit(name, &entry);
    }
    return used;
}

static int seen, directories, links, files, last_number;
static int number_seen[NAMES];
static uint64_t ino_of_dot;

static void count(const char *name, const __wasi_dirent_t *entry)
{
    seen++;
    if (strcmp(name, ".") == 0) {
        CHECK(seen == 1);
        ino_of_dot = entry->d_ino;
    } else if (strcmp(name, "..") == 0) {
        CHECK(seen == 2);
    } else if (sscanf(name, "n%d", &last_number) == 1 && last_number < NAMES) {
        number_seen[last_number]++;
    }
    directories += entry->d_type == __WASI_FILETYPE_DIRECTORY;
    links += entry->d_type == __WASI_FILETYPE_SYMBOLIC_LINK;
    files += entry->d_type == __WASI_FILETYPE_REGULAR_FILE;
}

static char names[8][16];
static uint64_t next_cookie[8];

static void note(const char *name, const __wasi_dirent_t *entry)
{
    CHECK(seen < 8);
    snprintf(names[seen], sizeof names[seen], "%s", name);
    next_cookie[seen] = entry->d_next;
    seen++;
}

static void test_kinds(int dir)
{
    __wasi_filestat_t status;
    uint64_t cookie = 0;
    OK(raw_fd_filestat_get(dir, AT(&status)));
    seen = directories = 0;
    CHECK(read_some(dir, 4096, &cookie, count) == 2 * ENTRY + 3);
    CHECK(seen == 2 && directories == 2 && ino_of_dot == status.ino);
    OK(raw_path_create_directory(dir, PATH("sub")));
    OK(raw_path_symlink(PATH("sub"), dir, PATH("link")));
    make_file(dir, "n7", "");
    seen = directories = links = files = cookie = 0;
    read_some(dir, 4096, &cookie, count);
    CHECK(seen == 5 && directories == 3 && links == 1 && files == 1);
    seen = cookie = 0;
    read_some(dir, 4096, &cookie, note);
    /* From each cookie on, the rest in the same order; a cookie may be used again. */
    char all[8][16];
    uint64_t cookies[8];
    memcpy(all, names, sizeof all);
    memcpy(cookies, next_cookie, sizeof cookies);
    for (int skip = 4; skip >= 1; skip--) {
        seen = 0;
        cookie = cookies[skip - 1];
        read_some(dir, 4096, &cookie, note);
        CHECK(seen == 5 - skip);
        for (int i = 0; i < seen; i++) {
            CHECK(strcmp(names[i], all[skip + i]) == 0);
        }
    }
    i32 used = -1;
    uint8_t byte;
    OK(raw_fd_readdir(dir, AT(&byte), 1, 1000, AT(&used)));
    CHECK(used == 0);
    OK(raw_fd_readdir(dir, AT(&byte), 0, 0, AT(&used)));
    CHECK(used == 0);
    OK(raw_fd_readdir(dir, AT(&byte), 1, 0, AT(&used)));
    CHECK(used == 1); /* an entry cut off: the buffer is full, so there is more */
    OK(raw_path_unlink_file(dir, PATH("n7")));
    OK(raw_path_unlink_file(dir, PATH("link")));
    OK(raw_path_remove_directory(dir, PATH("sub")));
}

/* Removing what was seen, while going on, skips nothing: what rm -r does. */
static void test_removal_on_the_way(int dir)
{
    char name[16];
    for (int i = 0; i < NAMES; i++) {
        snprintf(name, sizeof name, "n%d", i);
        make_file(dir, name, "");
    }
    memset(number_seen, 0, sizeof number_seen);
    uint64_t cookie = 0;
    seen = 0;
    for (i32 used = 200; used == 200;) {
        used = read_some(dir, 200, &cookie, count);
        for (int i = 0; i < NAMES; i++) {
            if (number_seen[i] == 1) {
                number_seen[i] = 100;
                snprintf(name, sizeof name, "n%d", i);
                OK(raw_path_unlink_file(dir, PATH(name)));
            }
        }
    }
    CHECK(seen == NAMES + 2);
    for (int i = 0; i < NAMES; i++) {
        CHECK(number_seen[i] == 100);
    }
}

static void test_refusals(int dir)
{
    uint8_t buffer[64];
    i32 used;
    make_file(ROOT, "plain", "");
    int file = open_at(ROOT, "plain", 0, FILE_RW | __WASI_RIGHTS_FD_READDIR, 0);
    EXPECT(NOTDIR, raw_fd_readdir(file, AT(buffer), 64, 0, AT(&used)));
    EXPECT(BADF, raw_fd_readdir(999, AT(buffer), 64, 0, AT(&used)));
    OK(raw_fd_close(file));
    OK(raw_path_unlink_file(ROOT, PATH("plain")));
    /* What a directory is not for. */
    int64_t at;
    char byte;
    i32 n;
    EXPECT(ISDIR, read_bytes(dir, &byte, 1, &n));
    EXPECT(ISDIR, write_text(dir, "x", &n));
    EXPECT(ISDIR, raw_fd_pread(dir, 0, 0, 0, AT(&n)));
    EXPECT(ISDIR, raw_fd_pwrite(dir, 0, 0, 0, AT(&n)));
    EXPECT(ISDIR, raw_fd_seek(dir, 0, __WASI_WHENCE_SET, AT(&at)));
    EXPECT(ISDIR, raw_fd_seek(dir, 0, __WASI_WHENCE_CUR, AT(&at)));
    EXPECT(ISDIR, raw_fd_tell(dir, AT(&at)));
    EXPECT(ISDIR, raw_fd_allocate(dir, 0, 1));
    EXPECT(ISDIR, raw_fd_advise(dir, 0, 1, 0));
    EXPECT(ISDIR, raw_fd_filestat_set_size(dir, 0));
    OK(raw_fd_sync(dir));
    OK(raw_fd_filestat_set_times(dir, 0, 0, __WASI_FSTFLAGS_MTIM_NOW));
    OK(raw_fd_fdstat_set_rights(dir, 0, 0));
    EXPECT(NOTCAPABLE, raw_fd_readdir(dir, AT(buffer), 64, 0, AT(&used)));
}

int main(void)
{
    OK(raw_path_create_directory(ROOT, PATH("dir")));
    int dir = open_at(ROOT, "dir", __WASI_OFLAGS_DIRECTORY, ALL_RIGHTS & ~(i64)FILE_RW, 0);
    OK(raw_fd_close(dir));
    i64 rights = (ALL_RIGHTS & ~(i64)FILE_RW) | __WASI_RIGHTS_FD_FILESTAT_GET |
                 __WASI_RIGHTS_FD_FILESTAT_SET_TIMES | __WASI_RIGHTS_FD_SYNC;
    dir = open_at(ROOT, "dir", __WASI_OFLAGS_DIRECTORY, rights, 0);
    test_kinds(dir);
    test_removal_on_the_way(dir);
    test_refusals(dir);
    OK(raw_fd_close(dir));
    OK(raw_path_remove_directory(ROOT, PATH("dir")));
    return finish();
}
