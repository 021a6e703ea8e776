// See initrd.h. Called by main.c. Directories that the archive does not name are made.
#include "initrd.h"

#include <lib/text.h>

#include "names.h"

#define BLOCK 512u

struct header {
    char name[100];
    char mode[8], uid[8], gid[8];
    char size[12], time[12];
    char checksum[8];
    char type;
    char link[100];
    char magic[6], version[2];
    char user[32], group[32], major[8], minor[8];
    char prefix[155];
    char padding[12];
};
_Static_assert(sizeof(struct header) == BLOCK, "a ustar header is one block");

static uint64_t parse_octal(const char *text, size_t bytes)
{
    uint64_t value = 0;
    for (size_t i = 0; i < bytes && text[i] >= '0' && text[i] <= '7'; i++)
        value = value * 8 + (uint64_t)(text[i] - '0');
    return value;
}

static size_t text_length(const char *text, size_t max)
{
    size_t length = 0;
    while (length < max && text[length])
        length++;
    return length;
}

// The sum of all bytes, those of the field itself counted as blanks.
static bool checksum_right(const struct header *header)
{
    const uint8_t *bytes = (const uint8_t *)header;
    uint64_t sum = 8 * ' ';
    for (size_t i = 0; i < BLOCK; i++) {
        size_t field = i - offsetof(struct header, checksum);
        sum += field < sizeof header->checksum ? 0 : bytes[i];
    }
    return sum == parse_octal(header->checksum, sizeof header->checksum);
}

// prefix/name, without slashes at its ends and without "./"; the result is its length.
static size_t member_path(const struct header *header, char *to)
{
    size_t prefix = text_length(header->prefix, sizeof header->prefix);
    size_t name = text_length(header->name, sizeof header->name);
    memcpy(to, header->prefix, prefix);
    to[prefix] = '/';
    memcpy(to + prefix + 1, header->name, name);
    size_t start = 0, end = prefix + 1 + name;
    while (start < end &&
           (to[start] == '/' || (to[start] == '.' && start + 1 < end && to[start + 1] == '/')))
        start++;
    while (end > start && (to[end - 1] == '/' || (end - start == 1 && to[start] == '.')))
        end--;
    memmove(to, to + start, end - start);
    return end - start;
}

static enum status make_parents(const char *path, size_t bytes)
{
    for (size_t i = 1; i < bytes; i++) {
        if (path[i] != '/')
            continue;
        enum status status =
            names_make_directory((struct path){inodes()->root, path, i}, 0, 0755);
        if (status != OK && status != E_EXIST)
            return status;
    }
    return OK;
}

static enum status add_file(struct path path, uint32_t mode, const uint8_t *data, size_t bytes)
{
    struct inode *inode;
    enum status status = names_open(path, OPEN_FLAG_CREATE | OPEN_FLAG_EXCLUSIVE, mode, &inode);
    if (status != OK)
        return status;
    inode->file.base = data;
    inode->file.base_bytes = inode->size = bytes;
    inode_release(inode);
    return OK;
}

static enum status add_member(const struct header *header, const uint8_t *data, size_t bytes)
{
    char text[sizeof header->prefix + 1 + sizeof header->name];
    struct path path = {inodes()->root, text, member_path(header, text)};
    struct inode *inode;
    uint32_t mode = (uint32_t)parse_octal(header->mode, sizeof header->mode) & MODE_BITS;
    if (path.bytes == 0)
        return OK; // the root itself
    enum status status = make_parents(path.text, path.bytes);
    if (status != OK)
        return status;
    size_t link_bytes = text_length(header->link, sizeof header->link);
    struct path target = {inodes()->root, header->link, link_bytes};
    switch (header->type) {
    case '0':
    case 0:
        status = add_file(path, mode, data, bytes);
        break;
    case '1':
        return names_link(target, path, AT_FLAG_NOFOLLOW);
    case '2':
        status = names_make_symlink(path, 0, header->link, link_bytes);
        break;
    case '5':
        status = names_make_directory(path, 0, mode);
        if (status == E_EXIST)
            status = OK;
        break;
    default:
        return E_INVAL;
    }
    if (status == OK && (status = names_find(path, AT_FLAG_NOFOLLOW, &inode)) == OK)
        inode->modified = parse_octal(header->time, sizeof header->time) * 1000000000u;
    return status;
}

enum status initrd_load(const void *archive, size_t bytes, size_t *where)
{
    const uint8_t *data = archive;
    for (*where = 0; *where + BLOCK <= bytes;) {
        const struct header *header = (const void *)(data + *where);
        if (header->name[0] == 0)
            return OK; // the archive's end is marked by blocks of zeroes
        uint64_t size = parse_octal(header->size, sizeof header->size);
        if (memcmp(header->magic, "ustar", 5) != 0 || !checksum_right(header) ||
            size > bytes - *where - BLOCK)
            return E_INVAL;
        enum status status = add_member(header, data + *where + BLOCK, (size_t)size);
        if (status != OK)
            return status;
        *where += BLOCK + (size_t)((size + BLOCK - 1) & ~(uint64_t)(BLOCK - 1));
    }
    return OK;
}
