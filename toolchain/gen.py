#!/usr/bin/python3
"""Makes everything that follows from kern/abi/pith.idl and servers/proto/*.idl.

    gen.py abi OUT ABI.idl               headers, nasm constants, system-call stubs below OUT
    gen.py proto OUT ABI.idl PROTO.idl...  client stubs, server sides, label names below OUT
    gen.py docs DIR ABI.idl PROTO.idl...   the reference pages; --check only compares them

Files whose text would not change are left alone, so that nothing is rebuilt for them. Errors
are one line, `file:line: what`, and exit status 1."""

import argparse
import os
import sys

from genlib import abi as abi_output
from genlib import idl, pages, proto


def write(path, text):
    try:
        with open(path, encoding="utf-8") as old:
            if old.read() == text:
                return
    except FileNotFoundError:
        os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as new:
        new.write(text)


def source_name(path):
    """The path as the tree knows it: the last three parts (kern/abi/pith.idl)."""
    return "/".join(os.path.abspath(path).split(os.sep)[-3:])


def stale(folder, files):
    """Names of pages that are missing or differ from what they would be."""
    names = []
    for name, text in files.items():
        try:
            with open(os.path.join(folder, name), encoding="utf-8") as page:
                current = page.read() == text
        except FileNotFoundError:
            current = False
        if not current:
            names.append(os.path.join(folder, name))
    return names


def make(options):
    """{path below the output folder: text}"""
    abi, protos = idl.load(options.abi, options.protos)
    source = source_name(options.abi)
    if options.what == "abi":
        return abi_output.files(abi, source)
    if options.what == "proto":
        return proto.files(protos)
    return pages.files(abi, source, protos)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("what", choices=["abi", "proto", "docs"])
    parser.add_argument("out")
    parser.add_argument("abi")
    parser.add_argument("protos", nargs="*")
    parser.add_argument("--check", action="store_true", help="docs: compare instead of writing")
    options = parser.parse_args()
    try:
        files = make(options)
    except (idl.IdlError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    if options.check:
        old = stale(options.out, files)
        for name in old:
            print(f"{name}: not what its source says; run cmake --build --preset pith", file=sys.stderr)
        return 1 if old else 0
    for name, text in files.items():
        write(os.path.join(options.out, name), text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
