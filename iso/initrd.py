#!/usr/bin/python3
"""Pack the initrd: a ustar archive, the same bytes for the same input.

    initrd.py OUT LIST

LIST has a line `PATH=FILE` for each file (executable if it is an ELF or a script),
`PATH@TARGET` for each symbolic link and `PATH/` for each empty directory. PATH has no leading
slash; directories on the way are made.
"""
import os
import sys
import tarfile


def member(path, kind, mode):
    info = tarfile.TarInfo(path)
    info.type, info.mode = kind, mode
    return info


def entries(lines):
    """All members by path, with the directories that lead to them."""
    found = {}
    for line in lines:
        if line.endswith("/"):
            path, source = line.rstrip("/"), None
            found[path] = (member(path, tarfile.DIRTYPE, 0o755), None)
        elif "=" in line:
            path, source = line.split("=", 1)
            info = member(path, tarfile.REGTYPE, 0o644)
            info.size = os.path.getsize(source)
            with open(source, "rb") as file:
                if file.read(4) in (b"\x7fELF", b"\0asm") or file.seek(0) or file.read(2) == b"#!":
                    info.mode = 0o755
            found[path] = (info, source)
        else:
            path, target = line.split("@", 1)
            info = member(path, tarfile.SYMTYPE, 0o777)
            info.linkname = target
            found[path] = (info, None)
        while "/" in path:
            path = path.rsplit("/", 1)[0]
            found.setdefault(path, (member(path, tarfile.DIRTYPE, 0o755), None))
    return found


def main(out, list_file):
    with open(list_file, encoding="utf-8") as file:
        found = entries(line for line in file.read().splitlines() if line)
    with tarfile.open(out + ".new", "w", format=tarfile.USTAR_FORMAT) as tar:
        for path in sorted(found):
            info, source = found[path]
            if source is None:
                tar.addfile(info)
                continue
            with open(source, "rb") as file:
                tar.addfile(info, file)
    os.replace(out + ".new", out)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
