"""newlib and its glue in the booted system, and the SDK that others build with."""
import re
import shutil
import subprocess

from conftest import BUILD

POSIX_TEST = BUILD / "libc-port/tests/posix-test"


def test_posix_calls(run):
    done = run("posix-test > /dev/null; mem; posix-test; mem", "--add", f"{POSIX_TEST}:/bin/posix-test")
    assert done.status == 0, done
    result = re.search(rb"^(\d+) passed, (\d+) failed$", done.out, re.M)
    assert result and int(result.group(1)) > 250 and int(result.group(2)) == 0, done
    before, after = re.findall(rb"^free (\d+)", done.out, re.M)
    assert before == after


def test_sdk_moves(run, tmp_path):
    """A copy of the SDK, at a path with a space, builds a program that runs."""
    sdk = tmp_path / "an sdk"
    shutil.copytree(BUILD / "sdk", sdk, symlinks=True)
    source = tmp_path / "program.c"
    source.write_text('#include <math.h>\n#include <stdio.h>\n'
                      'int main(void) { printf("%.6Lf\\n", sqrtl(2.0L)); return 9; }\n')
    program = tmp_path / "program"
    subprocess.run([sdk / "bin/x86_64-pith-elf-gcc", "-O2", "-Wall", "-Werror", "-o", program, source, "-lm"],
                   check=True)
    done = run("/program", "--add", program)
    assert done.status == 9 and done.out == b"1.414214\n", done


def test_positions_in_formats_and_exact_roots(run, tmp_path):
    source = tmp_path / "program.c"
    source.write_text("""
        #include <math.h>
        #include <stdio.h>
        #include <wchar.h>
        int main(void)
        {
            int x, y;
            wchar_t wide[20];
            volatile long double two = 2;
            sscanf("3 4", "%2$d %1$d", &x, &y);
            swprintf(wide, 20, L"%2$d %1$s", "a", 5);
            printf("%2$d %1$s %3$.1f %4$d%5$d %6$ls\\n", "b", 7, 2.5, x, y, wide);
            return sqrtl(two) == 1.41421356237309504880L && cosl(two - 2) == 1 ? 9 : 1;
        }""")
    program = tmp_path / "program"
    for libraries in ([], ["-lm"]):
        subprocess.run([BUILD / "sdk/bin/x86_64-pith-elf-gcc", "-fno-builtin", "-o", program, source, *libraries],
                       check=True)
    done = run("/program", "--add", program)
    assert (done.status, done.out) == (9, b"7 b 2.5 43 5 a\n"), done


def test_sdk_refuses_shared_libraries(tmp_path):
    source = tmp_path / "library.c"
    source.write_text("int f(void) { return 1; }\n")
    done = subprocess.run([BUILD / "sdk/bin/x86_64-pith-elf-gcc", "-shared", "-o", tmp_path / "l.so", source],
                          capture_output=True, check=False)
    assert done.returncode != 0 and b"linked statically" in done.stderr
