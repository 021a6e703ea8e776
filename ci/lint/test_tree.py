"""The tree keeps its own rules: STYLE's layout and sizes, DESIGN's line budget (law 7) and who
may see whom (DESIGN section 5)."""
import pathlib
import re
import subprocess

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
KERNEL_BUDGET = 7000  # DESIGN, law 7
FILE_LINES = 500  # DESIGN, law 7

# Folder -> what its sources may include: the first part of a quoted or bracketed header's
# path. A header in the same folder is always allowed.
INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]', re.MULTILINE)
FORBIDDEN = {
    "kern": re.compile(r"^(servers|proto|libc-port|wasm|stdio|stdlib|pith/syscall)"),
    "arch": re.compile(r"^(servers|proto|libc-port|wasm|stdio|stdlib|pith/syscall)"),
    "servers": re.compile(r"^(kern/|arch/|ci/)"),
    "libc-port": re.compile(r"^(kern/|arch/|ci/)"),
    "servers/wasm/engine": re.compile(r"^(kern/|arch/|ci/|pith/|proto/|lib/)"),
}


def tracked(*suffixes):
    out = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=TOP,
                         capture_output=True, text=True, check=True).stdout
    return [TOP / name for name in out.splitlines()
            if name.endswith(suffixes) and (TOP / name).is_file()]


def code_lines(path):
    """Lines that are neither blank nor only a comment."""
    text = path.read_text()
    if path.suffix in (".c", ".h"):
        text = re.sub(r"/\*.*?\*/", lambda match: "\n" * match[0].count("\n"), text, flags=re.S)
        marks = ("//",)
    else:
        marks = (";",)
    return sum(1 for line in text.splitlines() if line.strip() and not line.strip().startswith(marks))


def kernel_lines():
    return sum(code_lines(path) for path in tracked(".c", ".h", ".asm", ".inc")
               if path.relative_to(TOP).parts[0] in ("kern", "arch"))


def test_kernel_line_budget():
    lines = kernel_lines()
    print(f"kern/ + arch/: {lines} lines of code, budget {KERNEL_BUDGET}")
    assert 0 < lines <= KERNEL_BUDGET


def test_no_file_over_500_lines():
    long = {str(path.relative_to(TOP)): count for path in tracked(".c", ".h", ".asm", ".py")
            if (count := len(path.read_text().splitlines())) > FILE_LINES}
    assert not long


def test_clang_format():
    files = [str(path) for path in tracked(".c", ".h")]
    result = subprocess.run(["clang-format", "--dry-run", "--Werror", *files], cwd=TOP,
                            capture_output=True, text=True)
    assert result.returncode == 0, result.stderr[:4000]


@pytest.mark.parametrize("folder", FORBIDDEN)
def test_includes(folder):
    seen = []
    for path in tracked(".c", ".h"):
        name = path.relative_to(TOP).as_posix()
        if name.startswith(folder + "/"):
            seen += [f"{name}: {header}" for header in INCLUDE.findall(path.read_text())
                     if FORBIDDEN[folder].match(header)]
    assert not seen


def test_no_paths_of_a_machine():
    found = []
    for path in tracked(".c", ".h", ".asm", ".py", ".sh", ".md", ".txt", ".cmake", ".idl"):
        if path != pathlib.Path(__file__):
            found += [f"{path.relative_to(TOP)}: {line}" for line in path.read_text().splitlines()
                      if re.search(r"(^|[\s\"'=(])/(work|root|home)/", line)]
    assert not found


def test_documents_name_files_that_exist():
    missing = []
    for path in tracked(".md"):
        text = path.read_text()
        named = re.findall(r"`((?:kern|arch|servers|libc-port|toolchain|iso|ci|docs)/[\w./-]+)`", text)
        linked = re.findall(r"\]\(([^)#:]+)\)", text)
        missing += [f"{path.relative_to(TOP)}: {name}" for name in named
                    if "NAME" not in name and not (TOP / name).exists()]
        missing += [f"{path.relative_to(TOP)}: {name}" for name in linked
                    if not (path.parent / name).exists()]
    assert not missing
