"""The engine's benches: `wasm` on this machine, `wasm-pith` inside the booted system.

Fourteen programs (build.sh) in each engine. A program tells the time it spent in main; rounds
alternate over the engines, and the minimum of a program counts. What is published is a ratio
to the native program of the same run; all outputs must be equal.
"""
import collections
import math
import os
import pathlib
import re
import subprocess
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parents[2]
BUILD = TOP / "build"
SET = BUILD / "bench/wasm"
HOST = BUILD / "host"
MODULES = BUILD / "npm/node_modules"
PROGRAMS = ["fib", "nbody", "sha256", "matmul", "qsort", "mandelbrot", "gemm", "jacobi-2d",
            "floyd-warshall", "lu", "bzip2", "zlib", "lua", "speedtest1"]
ROUNDS = 5
COMPILE_ROUNDS = 5
HELLO_ROUNDS = 40
LIMIT = 300  # seconds for one run of one program
PACKAGES = ["@bytecodealliance/wizer@11.0.3", "@ruby/3.4-wasm-wasi@2.10.1"]
RUBY = MODULES / "@ruby/3.4-wasm-wasi/dist/ruby.wasm"
WIZER = MODULES / "@bytecodealliance/wizer-linux-x64/wizer"
RUNNER = HOST / "servers/wasm/pith-wasm"
EAGER = "--no-wasm-lazy-compilation"


def engines():
    """Name -> the command that a program's path completes."""
    node = ["node", EAGER]
    script = HERE / "node.mjs"
    return {
        "native": [],
        "compiler": [RUNNER],
        "interpreter": [RUNNER, "--interpret"],
        "liftoff": [*node, "--liftoff-only", script],
        "turbofan": [*node, "--no-liftoff", script],
        "cranelift": [WIZER, "--allow-wasi", "--init-func", "_start", "-o", os.devnull],
    }


def prepare(*packages):
    """Build the runner and the set, install the packages."""
    def run(*command, log=None):
        done = subprocess.run(command, cwd=TOP, stdout=subprocess.PIPE if log else None,
                              stderr=subprocess.STDOUT if log else None, check=False)
        if done.returncode:
            raise SystemExit(f"bench: {' '.join(map(str, command))} failed"
                             + (":\n" + done.stdout.decode()[-3000:] if log else ""))

    run("cmake", "--preset", "host", log=True)
    run("cmake", "--build", "--preset", "host", "--target", "pith-wasm",
        "pith-wasm-unlimited", "wasm-compile", log=True)
    run("bash", str(HERE / "build.sh"))
    if packages:
        run("bash", str(TOP / "ci/npm.sh"), *packages)
    example = SET / "example.txt"
    if not example.exists():
        words = "".join(f"{n * 2654435761 % 2**32:08x} {n}\n" for n in range(60000))
        example.write_text(words[:700_000])


def standard_input(program):
    """The file that a program reads."""
    if program in ("bzip2", "zlib"):
        return SET / "example.txt"
    return HERE / "programs/script.lua" if program == "lua" else pathlib.Path(os.devnull)


def comparable(output):
    """What every engine must print: all but the times that speedtest1 tells."""
    return re.sub(rb" *\d+\.\d+s", b"", output)


def run_once(engine, command, program):
    """Seconds in main, and the output."""
    path = SET / (program if engine == "native" else program + ".wasm")
    # Into a file: node makes pipes non-blocking, and a guest cannot wait for them.
    with open(standard_input(program), "rb") as stdin, tempfile.TemporaryFile() as stdout:
        done = subprocess.run([*map(str, command), str(path)], stdin=stdin, stdout=stdout,
                              stderr=subprocess.PIPE, timeout=LIMIT, check=False)
        stdout.seek(0)
        output = stdout.read()
    took = re.search(rb"^main (\d+)$", done.stderr, re.M)
    if done.returncode or not took:
        raise SystemExit(f"bench: {program} in {engine}: status {done.returncode}\n"
                         + done.stderr.decode(errors="replace")[-2000:])
    return int(took[1]) / 1e9, comparable(output)


def geomean(values):
    return math.exp(sum(map(math.log, values)) / len(values))


def race(contestants, programs=None, rounds=ROUNDS):
    """best[program][engine], in seconds. Stops where an output differs from the first engine's."""
    best = collections.defaultdict(dict)
    for program in programs or PROGRAMS:
        expected = None
        for _ in range(rounds):
            for engine, command in contestants.items():
                seconds, output = run_once(engine, command, program)
                expected = output if expected is None else expected
                if output != expected:
                    raise SystemExit(f"bench: {program} in {engine} prints something else")
                best[program][engine] = min(seconds, best[program].get(engine, math.inf))
    return best


def ratio_rows(best, base, prefix):
    """A row for each program and engine, and the geometric means: all as multiples of `base`."""
    names = [engine for engine in next(iter(best.values())) if engine != base]
    for program, seconds in best.items():
        for engine in names:
            yield f"{prefix}.{program}.{engine}", round(seconds[engine] / seconds[base], 2), "x"
    for engine in names:
        mean = geomean([seconds[engine] / seconds[base] for seconds in best.values()])
        yield f"{prefix}.geomean.{engine}", round(mean, 3), "x"


def process_cost(command):
    """CPU seconds (user and system) and peak memory in MB of one process, and its output."""
    reader, writer = os.pipe()
    pid = os.posix_spawnp(str(command[0]), [*map(str, command)], os.environ,
                          file_actions=[(os.POSIX_SPAWN_DUP2, writer, 1)])
    os.close(writer)
    with open(reader, "rb") as pipe:
        output = pipe.read()
    _, status, used = os.wait4(pid, 0)
    if status:
        raise SystemExit(f"bench: {' '.join(map(str, command))} failed")
    return used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, output.decode()


def bench_compile():
    """Every function of a large module validated and compiled: the whole process, against node's
    with V8's baseline compiler."""
    ours = [HOST / "ci/bench/wasm/wasm-compile", RUBY]
    theirs = ["node", "--liftoff-only", EAGER, "--single-threaded", HERE / "compile.mjs", RUBY]
    samples = [(process_cost(ours), process_cost(theirs)) for _ in range(COMPILE_ROUNDS)]
    cpu = min(sample[0][0] for sample in samples)
    v8 = min(sample[1][0] for sample in samples)
    code = int(re.search(r"code (\d+)", samples[0][0][2])[1])
    yield "wasm.compile_mb_s", round(code / 1e6 / cpu, 1), "MB/s"
    yield "wasm.ruby.cpu_s", round(cpu, 3), "s"
    yield "wasm.ruby.liftoff_cpu_s", round(v8, 3), "s"
    yield "wasm.ruby.cpu_vs_liftoff", round(cpu / v8, 3), "x"
    yield "wasm.ruby.peak_mb", round(max(sample[0][1] for sample in samples), 1), "MB"
    yield "wasm.ruby.liftoff_peak_mb", round(min(sample[1][1] for sample in samples), 1), "MB"


def bench_hello():
    """From the runner's start to its end, with the smallest program."""
    best = math.inf
    for _ in range(HELLO_ROUNDS):
        started = time.perf_counter()
        subprocess.run([RUNNER, BUILD / "servers/wasm/hello.wasm"], stdout=subprocess.DEVNULL,
                       check=True)
        best = min(best, time.perf_counter() - started)
    yield "wasm.hello_ms", round(best * 1000, 2), "ms"


def bench_limits():
    """What fuel, interruption and the stack's limit cost: the runner against one that was built
    without them."""
    best = race({"without": [HOST / "servers/wasm/pith-wasm-unlimited"], "with": [RUNNER]})
    mean = geomean([seconds["with"] / seconds["without"] for seconds in best.values()])
    yield "wasm.limits_cost", round((mean - 1) * 100, 1), "%"


def bench_wasm():
    prepare(*PACKAGES)
    yield from bench_hello()
    yield from bench_compile()
    yield from bench_limits()
    yield from ratio_rows(race(engines()), "native", "wasm")


# Inside the system, under an emulator: less of everything. Arguments, or bytes of the input.
PITH_WORK = {"fib": "32", "nbody": "80000", "sha256": "2", "matmul": "1", "qsort": "40000",
             "mandelbrot": "100", "gemm": "1", "jacobi-2d": "20", "floyd-warshall": "1", "lu": "1",
             "speedtest1": "--size 1"}
PITH_INPUT = 150_000
PITH_ROUNDS = 2
WAYS = {"native": "{0}.elf {1}", "compiler": "wasm {0}.wasm {1}",
        "interpreter": "wasm --interpret {0}.wasm {1}"}


def guest_line(program):
    """A line for the guest's shell that runs a program in each way and compares the outputs."""
    runs = [way.format(program, PITH_WORK.get(program, "")) + f" < /{program}.in > /tmp/{name}"
            for name, way in WAYS.items()]
    if program == "speedtest1":  # its output tells times
        return " && ".join(runs)
    return " && ".join([*runs, *(f"cmp /tmp/native /tmp/{name}" for name in WAYS if name != "native")])


def run_inside(program, folder):
    """Seconds in main for each of WAYS, all in one boot."""
    data = standard_input(program).read_bytes()
    given = folder / f"{program}.in"
    given.write_bytes(data if program == "lua" else data[:PITH_INPUT])
    added = [word for path in (SET / f"{program}.elf", SET / f"{program}.wasm", given)
             for word in ("--add", path)]
    done = subprocess.run(["bash", TOP / "qemu.sh", "--memory", "512", *added, "--run",
                           guest_line(program)], capture_output=True, timeout=LIMIT * 4, check=False)
    took = re.findall(rb"^main (\d+)\r?$", done.stderr, re.M)
    if done.returncode or len(took) != len(WAYS):
        raise SystemExit(f"bench: {program} in Pith: status {done.returncode}\n"
                         + done.stderr.decode(errors="replace")[-2000:])
    return {name: int(time) / 1e9 for name, time in zip(WAYS, took)}


def bench_wasm_pith():
    """The same programs in the booted system, to the ELF that the SDK's compiler makes."""
    prepare()
    best = collections.defaultdict(dict)
    with tempfile.TemporaryDirectory() as folder:
        for program in PROGRAMS:
            for _ in range(PITH_ROUNDS):
                for name, seconds in run_inside(program, pathlib.Path(folder)).items():
                    best[program][name] = min(seconds, best[program].get(name, math.inf))
    yield from ratio_rows(best, "native", "wasm-pith")
