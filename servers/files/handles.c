// See handles.h. Called by requests.c. Blocks come as handles are made, and stay until the end.
#include "handles.h"

#include <lib/kept.h>

#include "objects.h"

static KEPT struct description *root;

enum status handles_init(void)
{
    inode_hold(inodes()->root);
    *KEPT_VIEW(root) = description_new(inodes()->root, NULL, OPEN_FLAG_READ);
    return *KEPT_VIEW(root) ? OK : E_NOSPACE;
}

// The place of a handle, or null where there is no block for it.
static struct description **place_of(struct handles *handles, uint32_t handle)
{
    if (handle == 0 || handle > HANDLES_MAX)
        return NULL;
    struct description **block = handles->blocks[(handle - 1) / HANDLES_PER_BLOCK];
    return block ? &block[(handle - 1) % HANDLES_PER_BLOCK] : NULL;
}

enum status handle_new(struct handles *handles, struct description *description,
                       uint32_t *handle)
{
    for (uint32_t number = 1; number <= HANDLES_MAX; number++) {
        struct description ***block = &handles->blocks[(number - 1) / HANDLES_PER_BLOCK];
        if (!*block)
            *block = object_new(PAGE_SERVER, HANDLES_PER_BLOCK * sizeof **block);
        if (!*block)
            return E_NOSPACE;
        struct description **place = place_of(handles, number);
        if (*place)
            continue;
        *place = description;
        *handle = number;
        return OK;
    }
    return E_MFILE;
}

enum status handle_find(struct handles *handles, uint32_t handle,
                        struct description **description)
{
    struct description **place = handle ? place_of(handles, handle) : KEPT_VIEW(root);
    *description = place ? *place : NULL;
    return *description ? OK : E_BADF;
}

enum status handle_directory(struct handles *handles, uint32_t handle, struct inode **directory)
{
    struct description *description;
    enum status status = handle_find(handles, handle, &description);
    if (status != OK)
        return status;
    *directory = description->inode;
    return *directory && (*directory)->type == FILE_TYPE_DIRECTORY ? OK : E_NOTDIR;
}

struct description *handle_remove(struct handles *handles, uint32_t handle)
{
    struct description **place = place_of(handles, handle);
    struct description *description = place ? *place : NULL;
    if (description)
        *place = NULL;
    return description;
}

void handles_end(struct handles *handles, void (*release)(struct description *description))
{
    for (uint32_t handle = 1; handle <= HANDLES_MAX; handle++) {
        struct description *description = handle_remove(handles, handle);
        if (description)
            release(description);
    }
    for (uint32_t i = 0; i < HANDLE_BLOCKS; i++) {
        object_free(handles->blocks[i]);
        handles->blocks[i] = NULL;
    }
}

static bool description_valid(const struct description *description)
{
    if (!object_valid(description, sizeof *description) || description->references == 0)
        return false;
    if (description->pipe)
        return object_valid(description->pipe, sizeof *description->pipe) &&
               pipe_valid(description->pipe);
    return object_valid(description->inode, sizeof *description->inode) &&
           description->inode->opens > 0;
}

bool handles_valid(const struct handles *handles)
{
    for (uint32_t i = 0; i < HANDLE_BLOCKS; i++) {
        struct description **block = handles->blocks[i];
        if (block && !object_valid(block, HANDLES_PER_BLOCK * sizeof *block))
            return false;
        for (uint32_t j = 0; block && j < HANDLES_PER_BLOCK; j++)
            if (block[j] && !description_valid(block[j]))
                return false;
    }
    return description_valid(*KEPT_VIEW(root));
}
