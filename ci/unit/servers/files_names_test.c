// The file system: paths, names, directories, the initrd. Each test starts from an empty one.
#define _DEFAULT_SOURCE // popen
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "files_pages.h"
#include "initrd.h"
#include "names.h"

static void test_paths(void **state)
{
    (void)state;
    make_directory("/a");
    make_directory("a/b");
    assert_int_equal(try_make("/a/b/file"), OK);
    assert_non_null(find("a//b/./../b/file"));
    assert_ptr_equal(find("/.."), inodes()->root);
    assert_ptr_equal(find("/../../a"), find("a"));
    assert_int_equal(find_status("", 0), E_NOENT);
    assert_int_equal(find_status("nothing/x", 0), E_NOENT);
    assert_int_equal(find_status("a/b/file/x", 0), E_NOTDIR);
    assert_int_equal(find_status("a/b/file/", 0), E_NOTDIR);
    assert_int_equal(find_status("a/b/file/.", 0), E_NOTDIR);
    assert_int_equal(find_status("a/b/file/..", 0), E_NOTDIR);
    assert_int_equal(find_status("a/b/", 0), OK);
    char name[300];
    memset(name, 'n', sizeof name);
    assert_int_equal(path_walk(inodes()->root, name, 256, 0, &(struct place){0}), E_NAME);
    struct place place;
    assert_int_equal(path_walk(inodes()->root, name, 255, 0, &place), OK);
    assert_null(place.inode);
    assert_int_equal(path_walk(inodes()->root, "a\0b", 3, 0, &place), E_INVAL);
}

static void test_symlinks(void **state)
{
    (void)state;
    make_directory("d");
    write_text("d/file", "contents");
    make_symlink("to_file", "d/file");
    make_symlink("to_dir", "/d");
    make_symlink("d/up", "../to_file");
    make_symlink("to_root", "/");
    make_symlink("dangling", "d/new");
    make_symlink("loop1", "loop2");
    make_symlink("loop2", "loop1");
    check_text("to_file", "contents");
    check_text("to_dir/file", "contents");
    check_text("to_dir/up", "contents");
    assert_ptr_equal(find("to_root"), inodes()->root);
    assert_ptr_equal(find("to_root/d"), find("d"));
    assert_int_equal(find_status("loop1", 0), E_LOOP);
    assert_int_equal(find_status("loop1", AT_FLAG_NOFOLLOW), OK);
    assert_int_equal(find_status("to_file/", 0), E_NOTDIR);
    assert_int_equal(find_status("to_dir/", AT_FLAG_NOFOLLOW), OK);
    struct inode *inode;
    assert_int_equal(names_open(at("to_file"), OPEN_FLAG_READ | OPEN_FLAG_NOFOLLOW, 0, &inode),
                     E_LOOP);
    assert_int_equal(names_open(at("dangling"),
                                OPEN_FLAG_WRITE | OPEN_FLAG_CREATE | OPEN_FLAG_EXCLUSIVE, 0,
                                &inode),
                     E_EXIST);
    assert_int_equal(try_make("dangling"), OK);
    assert_non_null(find("d/new"));
    // A chain of 40 links is followed, one of 41 is not.
    char name[16], target[16];
    for (int i = 0; i < 41; i++) {
        snprintf(name, sizeof name, "c%d", i);
        snprintf(target, sizeof target, i == 0 ? "d" : "c%d", i - 1);
        make_symlink(name, target);
    }
    assert_int_equal(find_status("c39", 0), OK);
    assert_int_equal(find_status("c40", 0), E_LOOP);
    char *end = malloc(5000);
    memset(end, 'x', 5000);
    assert_int_equal(names_make_symlink(at("long"), 0, end, 4095), OK);
    assert_int_equal(names_make_symlink(at("longer"), 0, end, 4096), E_NAME);
    assert_int_equal(names_remove(at("long"), 0), OK);
    free(end);
}

static void test_beneath(void **state)
{
    (void)state;
    make_directory("out");
    make_directory("in");
    make_directory("in/sub");
    write_text("out/secret", "s");
    write_text("in/inside", "i");
    make_symlink("in/absolute", "/in/inside");
    make_symlink("in/escape", "../out/secret");
    make_symlink("in/sub/back", "../inside");
    make_symlink("in/sub/over", "../../out/secret");
    make_symlink("in/rootlink", "/");
    struct inode *inode;
    const char *refused[] = {"..",       "../out/secret", "sub/../../out", "/in/inside",
                             "absolute", "escape",        "sub/over",      "sub/../..",
                             "rootlink", "rootlink/out",  "../in/inside",  "/"};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        assert_int_equal(names_find(below("in", refused[i]), AT_FLAG_BENEATH, &inode),
                         E_BENEATH);
        assert_int_equal(
            names_open(below("in", refused[i]), OPEN_FLAG_READ | OPEN_FLAG_BENEATH, 0, &inode),
            E_BENEATH);
    }
    const char *allowed[] = {".",        "inside", "sub/../inside",
                             "sub/back", "sub/..", "./sub/../sub/back"};
    for (size_t i = 0; i < sizeof allowed / sizeof *allowed; i++)
        assert_int_equal(names_find(below("in", allowed[i]), AT_FLAG_BENEATH, &inode), OK);
    assert_int_equal(
        names_find(below("in", "absolute"), AT_FLAG_BENEATH | AT_FLAG_NOFOLLOW, &inode), OK);
    assert_int_equal(names_make_directory(below("in", "../new"), AT_FLAG_BENEATH, 0),
                     E_BENEATH);
    assert_int_equal(names_remove(below("in", "../out/secret"), AT_FLAG_BENEATH), E_BENEATH);
    assert_int_equal(names_rename(below("in", "inside"), below("in", "../x"), AT_FLAG_BENEATH),
                     E_BENEATH);
    assert_int_equal(names_link(below("in", "escape"), below("in", "x"), AT_FLAG_BENEATH),
                     E_BENEATH);
    assert_int_equal(names_open(below("in", "sub/over"),
                                OPEN_FLAG_WRITE | OPEN_FLAG_CREATE | OPEN_FLAG_BENEATH, 0,
                                &inode),
                     E_BENEATH);
    // The walk's start may be moved out of its parent: `..` stays refused.
    assert_int_equal(names_rename(at("in/sub"), at("out/sub"), 0), OK);
    assert_int_equal(names_find(below("out/sub", "back"), AT_FLAG_BENEATH, &inode), E_BENEATH);
}

static void test_open(void **state)
{
    (void)state;
    struct inode *inode;
    make_directory("d");
    assert_int_equal(try_make("f"), OK);
    assert_int_equal(names_open(at("d"), OPEN_FLAG_WRITE, 0, &inode), E_ISDIR);
    assert_int_equal(names_open(at("d"), OPEN_FLAG_READ | OPEN_FLAG_CREATE, 0, &inode),
                     E_ISDIR);
    assert_int_equal(names_open(at("f"), OPEN_FLAG_READ | OPEN_FLAG_DIRECTORY, 0, &inode),
                     E_NOTDIR);
    assert_int_equal(names_open(at("new/"), OPEN_FLAG_WRITE | OPEN_FLAG_CREATE, 0, &inode),
                     E_ISDIR);
    assert_int_equal(names_open(at("none"), OPEN_FLAG_READ, 0, &inode), E_NOENT);
    assert_int_equal(names_open(at("f"), OPEN_FLAG_CREATE | OPEN_FLAG_EXCLUSIVE, 0, &inode),
                     E_EXIST);
    // Unlinked while open: contents stay until the last close.
    size_t before = files_committed(), written;
    assert_int_equal(names_open(at("gone"), OPEN_FLAG_CREATE | OPEN_FLAG_WRITE, 0600, &inode),
                     OK);
    assert_int_equal(names_remove(at("gone"), 0), OK);
    assert_null(find("gone"));
    char *data = calloc(1, 1 << 20);
    assert_int_equal(contents_write(inode, 0, data, 1 << 20, &written), OK);
    assert_int_equal(inode->links, 0);
    assert_true(files_committed() > before);
    inode_release(inode);
    assert_int_equal(files_committed(), before);
    free(data);
}

static void test_remove(void **state)
{
    (void)state;
    make_directory("d");
    make_directory("d/e");
    make_symlink("link", "d");
    assert_int_equal(try_make("f"), OK);
    assert_int_equal(names_remove(at("d"), AT_FLAG_DIRECTORY), E_NOTEMPTY);
    assert_int_equal(names_remove(at("d"), 0), E_ISDIR);
    assert_int_equal(names_remove(at("f"), AT_FLAG_DIRECTORY), E_NOTDIR);
    assert_int_equal(names_remove(at("f/"), 0), E_NOTDIR);
    assert_int_equal(names_remove(at("link/"), AT_FLAG_DIRECTORY), E_NOTDIR);
    assert_int_equal(names_remove(at("/"), AT_FLAG_DIRECTORY), E_BUSY);
    assert_int_equal(names_remove(at("d/."), AT_FLAG_DIRECTORY), E_INVAL);
    assert_int_equal(names_remove(at("d/e/.."), AT_FLAG_DIRECTORY), E_NOTEMPTY);
    assert_int_equal(names_remove(at("none"), 0), E_NOENT);
    assert_int_equal(find("d")->links, 3);
    assert_int_equal(names_remove(at("d/e/"), AT_FLAG_DIRECTORY), OK);
    assert_int_equal(find("d")->links, 2);
    assert_int_equal(names_remove(at("link"), 0), OK);
    // A removed directory that is still held has no names and takes none.
    struct inode *held = find("d");
    inode_hold(held);
    assert_int_equal(names_remove(at("d"), AT_FLAG_DIRECTORY), OK);
    struct inode *inode;
    struct path inside = {held, "x", 1};
    assert_int_equal(names_open(inside, OPEN_FLAG_CREATE | OPEN_FLAG_WRITE, 0, &inode),
                     E_NOENT);
    assert_int_equal(names_make_directory(inside, 0, 0), E_NOENT);
    assert_int_equal(names_find((struct path){held, "..", 2}, 0, &inode), E_NOENT);
    assert_int_equal(names_make_directory((struct path){held, "..", 2}, 0, 0), E_NOENT);
    inode_release(held);
}

static void test_rename(void **state)
{
    (void)state;
    make_directory("a");
    make_directory("a/b");
    make_directory("full");
    make_directory("empty");
    write_text("f", "one");
    write_text("g", "two");
    write_text("full/x", "x");
    assert_int_equal(names_rename(at("f"), at("g"), 0), OK);
    check_text("g", "one");
    assert_null(find("f"));
    assert_int_equal(names_rename(at("a"), at("a/b/c"), 0), E_INVAL);
    assert_int_equal(names_rename(at("a"), at("a/b"), 0), E_INVAL);
    assert_int_equal(names_rename(at("a"), at("full"), 0), E_NOTEMPTY);
    assert_int_equal(names_rename(at("a"), at("g"), 0), E_NOTDIR);
    assert_int_equal(names_rename(at("g"), at("a"), 0), E_ISDIR);
    assert_int_equal(names_rename(at("g"), at("h/"), 0), E_NOTDIR);
    assert_int_equal(names_rename(at("g/"), at("h"), 0), E_NOTDIR);
    assert_int_equal(names_rename(at("none"), at("h"), 0), E_NOENT);
    assert_int_equal(names_rename(at("a/."), at("h"), 0), E_INVAL);
    assert_int_equal(names_rename(at("/"), at("h"), 0), E_BUSY);
    assert_int_equal(names_rename(at("a"), at("a"), 0), OK);
    assert_int_equal(names_rename(at("a"), at("empty"), 0), OK);
    assert_non_null(find("empty/b"));
    assert_int_equal(names_rename(at("empty/"), at("moved/"), 0), OK);
    assert_int_equal(names_rename(at("moved/b"), at("b"), 0), OK);
    assert_int_equal(find("moved")->links, 2);
    char path[64];
    size_t bytes;
    assert_int_equal(names_rename(at("b"), at("full/b"), 0), OK);
    assert_int_equal(directory_path(find("full/b"), path, sizeof path, &bytes), OK);
    assert_int_equal(bytes, strlen("/full/b"));
    assert_memory_equal(path, "/full/b", bytes);
    // Two names of one file: nothing happens.
    assert_int_equal(names_link(at("g"), at("g2"), 0), OK);
    assert_int_equal(names_rename(at("g"), at("g2"), 0), OK);
    assert_ptr_equal(find("g"), find("g2"));
    assert_int_equal(find("g")->links, 2);
}

static void test_link(void **state)
{
    (void)state;
    make_directory("d");
    write_text("f", "f");
    make_symlink("s", "f");
    assert_int_equal(names_link(at("d"), at("e"), 0), E_RIGHTS);
    assert_int_equal(names_link(at("f"), at("d"), 0), E_EXIST);
    assert_int_equal(names_link(at("f"), at("d/"), 0), E_EXIST);
    assert_int_equal(names_link(at("f"), at("new/"), 0), E_NOENT);
    assert_int_equal(names_link(at("s"), at("followed"), 0), OK);
    assert_int_equal(names_link(at("s"), at("itself"), AT_FLAG_NOFOLLOW), OK);
    assert_int_equal(find_status("itself", AT_FLAG_NOFOLLOW), OK);
    struct inode *inode;
    assert_int_equal(names_find(at("itself"), AT_FLAG_NOFOLLOW, &inode), OK);
    assert_int_equal(inode->type, FILE_TYPE_SYMLINK);
    assert_ptr_equal(find("followed"), find("f"));
    assert_int_equal(names_remove(at("f"), 0), OK);
    check_text("followed", "f");
}

static void test_many_names(void **state)
{
    (void)state;
    size_t before = files_committed();
    make_directory("d");
    char name[32];
    for (int i = 0; i < 10000; i++) {
        snprintf(name, sizeof name, "d/name%d", i);
        assert_int_equal(try_make(name), OK);
    }
    // Read in pieces while names go: each that stays is seen once.
    static uint8_t buffer[4000];
    static uint8_t seen[10000];
    struct inode *directory = find("d");
    uint64_t cookie = 0;
    size_t bytes, dots = 0;
    int removed = 0;
    while (directory_read(directory, cookie, buffer, sizeof buffer, &bytes) == OK && bytes) {
        for (size_t i = 0; i < bytes;) {
            struct directory_entry *entry = (void *)(buffer + i);
            char text[32] = {0};
            memcpy(text, entry + 1, entry->name_bytes);
            i += entry->bytes;
            cookie = entry->cookie;
            if (text[0] == '.')
                dots++;
            else
                seen[atoi(text + strlen("name"))]++;
        }
        snprintf(name, sizeof name, "d/name%d", 9999 - removed++);
        assert_int_equal(names_remove(at(name), 0), OK);
        snprintf(name, sizeof name, "d/name%d", removed++);
        if (find(name))
            assert_int_equal(names_remove(at(name), 0), OK);
    }
    assert_int_equal(dots, 2);
    for (int i = removed; i < 9999 - removed; i++)
        assert_int_equal(seen[i], 1);
    assert_int_equal(directory_read(directory, 0, buffer, 8, &bytes), E_RANGE);
    for (int i = 0; i < 10000; i++) {
        snprintf(name, sizeof name, "d/name%d", i);
        (void)names_remove(at(name), 0);
    }
    assert_int_equal(names_remove(at("d"), AT_FLAG_DIRECTORY), OK);
    assert_int_equal(files_committed(), before);
}

static void test_initrd(void **state)
{
    (void)state;
    FILE *tool = popen("cd $(mktemp -d) && mkdir -p bin empty && printf data > bin/file && "
                       "printf '%0600d' 1 > long && ln -s bin/file link && ln bin/file hard && "
                       "tar --format=ustar -cf - . && rm -rf $PWD",
                       "r");
    static char archive[65536];
    size_t bytes = fread(archive, 1, sizeof archive, tool), where;
    assert_int_equal(pclose(tool), 0);
    assert_int_equal(initrd_load(archive, bytes, &where), OK);
    check_text("/bin/file", "data");
    check_text("/link", "data");
    check_text("/hard", "data");
    assert_int_equal(find("/long")->size, 600);
    assert_int_equal(find("/hard")->links, 2);
    assert_int_equal(find("/empty")->type, FILE_TYPE_DIRECTORY);
    size_t written;
    assert_int_equal(contents_write(find("/bin/file"), 1, "O", 1, &written), OK);
    check_text("/hard", "dOta");
    archive[600] ^= 1; // a member's header
    files_start(256);
    assert_int_equal(initrd_load(archive, bytes, &where), E_INVAL);
    assert_int_equal(where, 512);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_paths, start),
        cmocka_unit_test_setup(test_symlinks, start),
        cmocka_unit_test_setup(test_beneath, start),
        cmocka_unit_test_setup(test_open, start),
        cmocka_unit_test_setup(test_remove, start),
        cmocka_unit_test_setup(test_rename, start),
        cmocka_unit_test_setup(test_link, start),
        cmocka_unit_test_setup(test_many_names, start),
        cmocka_unit_test_setup(test_initrd, start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
