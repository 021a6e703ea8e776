// Commands that change the tree: cp, mv, rm, mkdir, rmdir, ln, touch.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools.h"

// Calls `visit` for each name in a directory. The names are read first: `visit` may remove
// them.
static int each_name(const char *path, int (*visit)(const char *path, const char *name))
{
    DIR *directory = opendir(path);
    struct dirent *entry;
    char **names = NULL;
    size_t count = 0;
    int status = 0;
    if (!directory)
        return fail(path);
    while ((entry = readdir(directory))) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        char **longer = realloc(names, (count + 1) * sizeof *names);
        if (longer)
            names = longer;
        if (!longer || !(names[count] = strdup(entry->d_name))) {
            status = fail(path);
            break;
        }
        count++;
    }
    closedir(directory);
    for (size_t i = 0; i < count; i++) {
        status |= visit(path, names[i]);
        free(names[i]);
    }
    free(names);
    return status;
}

// ---------------------------------------------------------------- rm

static bool force;

static int remove_tree(const char *path);

static int remove_in(const char *directory, const char *name)
{
    char *path = join_path(directory, name);
    int status = path ? remove_tree(path) : 1;
    free(path);
    return status;
}

static int remove_tree(const char *path)
{
    struct stat info;
    if (lstat(path, &info) < 0)
        return force && errno == ENOENT ? 0 : fail(path);
    if (!S_ISDIR(info.st_mode))
        return unlink(path) < 0 ? fail(path) : 0;
    int status = each_name(path, remove_in); // what is left has been told of, and keeps `path`
    return status == 0 && rmdir(path) < 0 ? fail(path) : status;
}

// `/`, `.` and `..`: rmdir would refuse them in the end, when all in them is gone.
static bool is_never_removed(const char *path)
{
    size_t end = strlen(path), start;
    while (end > 0 && path[end - 1] == '/')
        end--;
    for (start = end; start > 0 && path[start - 1] != '/'; start--)
        ;
    return (*path && end == 0) || (end - start == 1 && path[start] == '.') ||
           (end - start == 2 && path[start] == '.' && path[start + 1] == '.');
}

int tool_rm(int argc, char **argv)
{
    unsigned options;
    int first, status = 0;
    if (!take_options(argc, argv, "rf", &options, &first) || (first == argc && !(options & 2)))
        return usage("[-r] [-f] FILE...");
    force = options & 2;
    for (int i = first; i < argc; i++) {
        if ((options & 1) && is_never_removed(argv[i])) {
            errno = EBUSY;
            status = fail(argv[i]);
        } else if (options & 1) {
            status |= remove_tree(argv[i]);
        } else if (unlink(argv[i]) < 0 && !(force && errno == ENOENT)) {
            status = fail(argv[i]);
        }
    }
    return status;
}

// ---------------------------------------------------------------- cp

static const char *copy_to; // the directory that copy_in copies into

static int copy_bytes(const char *from, const char *to, mode_t mode)
{
    static char buffer[COPY_BYTES];
    ssize_t count;
    int status = 0;
    int in = open(from, O_RDONLY);
    if (in < 0)
        return fail(from);
    int out = open(to, O_WRONLY | O_CREAT | O_TRUNC, mode & 0777);
    if (out < 0) {
        status = fail(to);
        close(in);
        return status;
    }
    while (status == 0 && (count = read(in, buffer, sizeof buffer)) != 0)
        if (count < 0)
            status = fail(from);
        else if (!write_all(out, buffer, (size_t)count))
            status = fail(to);
    close(in);
    if (close(out) < 0 && status == 0)
        status = fail(to);
    return status;
}

static int copy_link(const char *from, const char *to)
{
    char target[4096];
    ssize_t bytes = readlink(from, target, sizeof target - 1);
    if (bytes < 0)
        return fail(from);
    target[bytes] = 0;
    return symlink(target, to) < 0 ? fail(to) : 0;
}

static int copy_tree(const char *from, const char *to, bool recursive);

static int copy_in(const char *directory, const char *name)
{
    const char *target = copy_to;
    char *from = join_path(directory, name), *to = join_path(target, name);
    int status = from && to ? copy_tree(from, to, true) : 1;
    copy_to = target;
    free(from);
    free(to);
    return status;
}

static bool same_file(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

// True: `path`, or what will be created there, lies in the directory `top`.
static bool is_inside(const char *path, const struct stat *top)
{
    struct stat info;
    char *at = strdup(path);
    bool inside = false;
    for (int depth = 0; at && depth < 256 && !inside; depth++) {
        if (stat(at, &info) == 0 && same_file(&info, top))
            inside = true;
        char *slash = strrchr(at, '/');
        if (!slash || slash == at)
            break;
        *slash = 0;
    }
    free(at);
    return inside;
}

static int copy_tree(const char *from, const char *to, bool recursive)
{
    struct stat source, target;
    if ((recursive ? lstat(from, &source) : stat(from, &source)) < 0)
        return fail(from);
    bool exists = stat(to, &target) == 0;
    if (exists && same_file(&source, &target)) {
        fprintf(stderr, "%s: %s and %s are the same file\n", tool_name, from, to);
        return 1;
    }
    if (S_ISLNK(source.st_mode))
        return copy_link(from, to);
    if (!S_ISDIR(source.st_mode))
        return copy_bytes(from, to, source.st_mode);
    if (!recursive || is_inside(to, &source)) {
        fprintf(stderr, "%s: %s: %s\n", tool_name, from,
                recursive ? "cannot be copied into itself" : "is a directory (use -r)");
        return 1;
    }
    if (mkdir(to, source.st_mode & 0777) < 0 && errno != EEXIST)
        return fail(to);
    copy_to = to;
    return each_name(from, copy_in);
}

// Calls `act` on each source with its target: the last argument, or a name in it.
static int each_target(int count, char **paths, int (*act)(const char *from, const char *to))
{
    char *last = paths[count - 1];
    struct stat info;
    int status = 0;
    bool into = stat(last, &info) == 0 && S_ISDIR(info.st_mode);
    if (!into && count > 2) {
        errno = ENOTDIR;
        return fail(last);
    }
    for (int i = 0; i + 1 < count; i++) {
        char *from = strdup(paths[i]);
        char *to = from && into ? join_path(last, last_component(from)) : strdup(last);
        status |= from && to ? act(paths[i], to) : fail(paths[i]);
        free(from);
        free(to);
    }
    return status;
}

static int copy_recursive(const char *from, const char *to)
{
    return copy_tree(from, to, true);
}

static int copy_file(const char *from, const char *to)
{
    return copy_tree(from, to, false);
}

int tool_cp(int argc, char **argv)
{
    unsigned options;
    int first;
    if (!take_options(argc, argv, "r", &options, &first) || argc - first < 2)
        return usage("[-r] FROM... TO");
    return each_target(argc - first, argv + first, options & 1 ? copy_recursive : copy_file);
}

// ---------------------------------------------------------------- mv, ln

static int move(const char *from, const char *to)
{
    if (rename(from, to) == 0)
        return 0;
    return fail(errno == ENOENT ? from : to);
}

int tool_mv(int argc, char **argv)
{
    unsigned options;
    int first;
    if (!take_options(argc, argv, "", &options, &first) || argc - first < 2)
        return usage("FROM... TO");
    return each_target(argc - first, argv + first, move);
}

static int link_symbolic(const char *from, const char *to)
{
    return symlink(from, to) < 0 ? fail(to) : 0;
}

static int link_hard(const char *from, const char *to)
{
    return link(from, to) < 0 ? fail(to) : 0;
}

int tool_ln(int argc, char **argv)
{
    unsigned options;
    int first;
    if (!take_options(argc, argv, "s", &options, &first) || argc - first < 2)
        return usage("[-s] TARGET... NAME");
    return each_target(argc - first, argv + first, options & 1 ? link_symbolic : link_hard);
}

// ---------------------------------------------------------------- mkdir, rmdir, touch

static int make_with_parents(char *path)
{
    struct stat info;
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = 0;
        if (mkdir(path, 0777) < 0 && errno != EEXIST)
            return fail(path);
        *slash = '/';
    }
    if (mkdir(path, 0777) == 0)
        return 0;
    int error = errno;
    if (error == EEXIST && stat(path, &info) == 0 && S_ISDIR(info.st_mode))
        return 0;
    errno = error;
    return fail(path);
}

int tool_mkdir(int argc, char **argv)
{
    unsigned options;
    int first, status = 0;
    if (!take_options(argc, argv, "p", &options, &first) || first == argc)
        return usage("[-p] DIRECTORY...");
    for (int i = first; i < argc; i++)
        if (options & 1)
            status |= make_with_parents(argv[i]);
        else if (mkdir(argv[i], 0777) < 0)
            status = fail(argv[i]);
    return status;
}

int tool_rmdir(int argc, char **argv)
{
    unsigned options;
    int first, status = 0;
    if (!take_options(argc, argv, "", &options, &first) || first == argc)
        return usage("DIRECTORY...");
    for (int i = first; i < argc; i++)
        if (rmdir(argv[i]) < 0)
            status = fail(argv[i]);
    return status;
}

int tool_touch(int argc, char **argv)
{
    unsigned options;
    int first, status = 0;
    if (!take_options(argc, argv, "", &options, &first) || first == argc)
        return usage("FILE...");
    for (int i = first; i < argc; i++) {
        int fd = open(argv[i], O_WRONLY | O_CREAT, 0666);
        if (fd < 0 || futimens(fd, NULL) < 0)
            status = fail(argv[i]);
        if (fd >= 0)
            close(fd);
    }
    return status;
}
