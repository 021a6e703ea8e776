// The requests on paths: files.idl over names.h. Called by the generated dispatch.
#include <lib/text.h>
#include <proto/files_server.h>

#include "blocked.h"
#include "names.h"
#include "requests.h"

// The path of a request with the directory that it starts in. An absolute one starts at the
// root, whatever the handle, which may be one that an earlier instance of this server knew.
static enum status get_path(struct request *r, uint32_t directory, const struct data *data,
                            struct path *path)
{
    path->text = data->bytes;
    path->bytes = data->size;
    if (data->size && data->bytes[0] == '/')
        directory = 0;
    return handle_directory(&files_client(r->client)->handles, directory, &path->directory);
}

// The console's own handle, in the same client's session with it.
static enum status open_console(struct request *r, uint32_t flags, struct files_open_out *out)
{
    uint32_t io_flags = flags & OPEN_FLAG_NONBLOCK ? IO_FLAG_NONBLOCK : 0;
    out->service = IO_SERVICE_CONSOLE;
    return io_grant(session_to(STARTUP_SLOT_CONSOLE), r->client->node.key, 0, io_flags,
                    &out->handle);
}

// Finds or makes the file for a description that has its handle already, so that nothing is
// made that could not be opened.
static enum status open_inode(struct path path, const struct files_open_in *in,
                              struct description *description)
{
    struct inode *inode;
    enum status status = names_open(path, in->flags, in->mode, &inode);
    if (status != OK)
        return status;
    description->inode = inode;
    if ((in->flags & OPEN_FLAG_TRUNCATE) && inode->type == FILE_TYPE_REGULAR)
        status = contents_truncate(inode, 0); // cannot fail
    return status;
}

enum status files_on_open(struct request *r, const struct files_open_in *in,
                          struct files_open_out *out)
{
    struct path path;
    struct handles *handles = &files_client(r->client)->handles;
    enum status status = get_path(r, in->directory, &in->path, &path);
    if (status != OK)
        return status;
    struct description *description = description_new(NULL, NULL, in->flags);
    status = requests_open(r, description, &out->handle);
    if (status != OK)
        return status;
    out->service = IO_SERVICE_FILES;
    status = open_inode(path, in, description);
    const struct inode *inode = description->inode;
    bool console =
        status == OK && inode->type == FILE_TYPE_CHARACTER && inode->device == DEVICE_CONSOLE;
    if (status != OK || console)
        blocked_release(handle_remove(handles, out->handle));
    return console ? open_console(r, in->flags, out) : status;
}

enum status files_on_status_at(struct request *r, const struct files_status_at_in *in,
                               struct files_status_at_out *out)
{
    struct path path;
    struct inode *inode;
    enum status status = get_path(r, in->directory, &in->path, &path);
    if (status == OK)
        status = names_find(path, in->flags, &inode);
    if (status == OK)
        inode_status(inode, &out->status);
    return status;
}

enum status files_on_make_directory(struct request *r, const struct files_make_directory_in *in,
                                    struct files_make_directory_out *out)
{
    (void)out;
    struct path path;
    enum status status = get_path(r, in->directory, &in->path, &path);
    return status == OK ? names_make_directory(path, in->flags, in->mode) : status;
}

enum status files_on_remove(struct request *r, const struct files_remove_in *in,
                            struct files_remove_out *out)
{
    (void)out;
    struct path path;
    enum status status = get_path(r, in->directory, &in->path, &path);
    return status == OK ? names_remove(path, in->flags) : status;
}

enum status files_on_rename(struct request *r, const struct files_rename_in *in,
                            struct files_rename_out *out)
{
    (void)out;
    struct path from, to;
    enum status status = get_path(r, in->from_directory, &in->from, &from);
    if (status == OK)
        status = get_path(r, in->to_directory, &in->to, &to);
    return status == OK ? names_rename(from, to, in->flags) : status;
}

enum status files_on_link(struct request *r, const struct files_link_in *in,
                          struct files_link_out *out)
{
    (void)out;
    struct path from, to;
    enum status status = get_path(r, in->from_directory, &in->from, &from);
    if (status == OK)
        status = get_path(r, in->to_directory, &in->to, &to);
    return status == OK ? names_link(from, to, in->flags) : status;
}

enum status files_on_make_symlink(struct request *r, const struct files_make_symlink_in *in,
                                  struct files_make_symlink_out *out)
{
    (void)out;
    struct path path;
    enum status status = get_path(r, in->directory, &in->path, &path);
    if (status != OK)
        return status;
    return names_make_symlink(path, in->flags, in->target.bytes, in->target.size);
}

enum status files_on_read_symlink(struct request *r, const struct files_read_symlink_in *in,
                                  struct files_read_symlink_out *out)
{
    struct path path;
    struct inode *inode;
    enum status status = get_path(r, in->directory, &in->path, &path);
    if (status == OK)
        status = names_find(path, in->flags | AT_FLAG_NOFOLLOW, &inode);
    if (status != OK)
        return status;
    if (inode->type != FILE_TYPE_SYMLINK)
        return E_INVAL;
    out->target.size = (uint32_t)inode->size;
    memcpy(out->target.bytes, inode->target, inode->size);
    inode->accessed = inode_clock();
    return OK;
}

enum status files_on_read_directory(struct request *r, const struct files_read_directory_in *in,
                                    struct files_read_directory_out *out)
{
    struct inode *directory;
    size_t bytes;
    enum status status =
        handle_directory(&files_client(r->client)->handles, in->handle, &directory);
    if (status == OK)
        status =
            directory_read(directory, in->cookie, out->entries.bytes, out->entries.max, &bytes);
    if (status == OK)
        out->entries.size = (uint32_t)bytes;
    return status;
}

enum status files_on_set_times_at(struct request *r, const struct files_set_times_at_in *in,
                                  struct files_set_times_at_out *out)
{
    (void)out;
    struct path path;
    struct inode *inode;
    enum status status = get_path(r, in->directory, &in->path, &path);
    if (status == OK)
        status = names_find(path, in->flags, &inode);
    if (status == OK)
        inode_set_times(inode, in->set, in->accessed, in->modified);
    return status;
}

enum status files_on_set_mode_at(struct request *r, const struct files_set_mode_at_in *in,
                                 struct files_set_mode_at_out *out)
{
    (void)out;
    struct path path;
    struct inode *inode;
    enum status status = get_path(r, in->directory, &in->path, &path);
    if (status == OK)
        status = names_find(path, in->flags, &inode);
    if (status != OK)
        return status;
    inode_set_mode(inode, in->mode);
    return OK;
}

enum status files_on_path_of(struct request *r, const struct files_path_of_in *in,
                             struct files_path_of_out *out)
{
    struct inode *directory;
    size_t bytes;
    enum status status =
        handle_directory(&files_client(r->client)->handles, in->handle, &directory);
    if (status == OK)
        status = directory_path(directory, out->path.bytes, out->path.max, &bytes);
    if (status == OK)
        out->path.size = (uint32_t)bytes;
    return status;
}
