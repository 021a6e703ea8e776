#!/usr/bin/python3
"""Remove what the compiler of WebAssembly rests on, one thing at a time: a unit test must fail, or one of
our own scripts beside the specification's (ci/suites/wasm-spec/more).

    mutants_engine.py [NAME...]      default: all

Each mutant is one file of the engine with one text replaced. Last line: `N passed, N failed,
N skipped`; a mutant that lives is a failure.
"""
import concurrent.futures
import os
import pathlib
import subprocess
import sys

TOP = pathlib.Path(__file__).resolve().parents[1]
ENGINE = TOP / "servers/wasm/engine"
TESTS = TOP / "ci/unit/engine"
RUNNER = TOP / "ci/suites/wasm-spec/runner.c"
TRANSCRIPT = TOP / "ci/fuzz/differential/transcript.c"
OUT = TOP / "build/mutants-engine"
SECONDS = 20  # for a mutant: one that hangs has been noticed
PATIENCE = 600  # for what must pass, however busy the machine is
WRAPPED = "malloc calloc realloc wasm_store_new wasm_platform_seal".split()
FLAGS = ["-std=c17", "-O1", "-w", "-DWASM_TAIL_CALLS=0", "-fno-math-errno", "-ffp-contract=off",
         f"-I{ENGINE}/include", f"-I{TESTS}", f'-DMODULES="{OUT}/"']

# name: (file in src/x86_64, what goes, what comes instead)
MUTANTS = {
    "stack_check": ("call.c", "x64_exit(c, x64_jcc(a, CC_B, 0), stub, start);", ""),
    "stack_limit": ("enter.c", "return WASM_TRAP_STACK + 1;", "return 0;"),
    "fuel": ("call.c", "x64_exit(c, x64_jcc(&c->code, CC_S, 0), stub, start);", ""),
    "loop_charge": ("control.c", "        x64_charge_loop(c);\n", ""),
    "own_memory_again": ("call.c", "    if (callee->foreign || c->module->leaves)\n",
                         "    if (!callee->foreign && c->module->leaves)\n"),
    "own_memory_after_hops": ("call.c", "    if (callee->foreign || c->module->leaves)\n", "    if (callee->foreign)\n"),
    "host_keeps_frame": ("call.c", "    uint32_t host = x64_jcc(a, CC_E, 0);", "    uint32_t host = x64_jcc(a, CC_NE, 0);"),
    "arguments_exchanged": ("call.c", "x64_rr(&c->code, W64 | 0x87, to, from);", ""),
    "locals_kept": ("call.c", "i < c->kept_count", "i < 0"),
    "saved_registers": ("call.c", "            x64_push(a, reg);", "            x64_push(a, RAX);"),
    "table_bounds": ("call.c", "x64_trap_if(c, CC_AE, WASM_TRAP_UNDEFINED_ELEMENT);", ""),
    "table_null": ("call.c", "x64_trap_if(c, CC_E, WASM_TRAP_UNINITIALIZED);", ""),
    "table_type": ("call.c", "x64_trap_if(c, CC_NE, WASM_TRAP_INDIRECT_TYPE);", ""),
    "local_released": ("values.c", "x64_release_local(struct x64 *c, uint32_t index)\n{",
                       "x64_release_local(struct x64 *c, uint32_t index)\n{\n    return;"),
    "values_spilled": ("call.c", "    x64_spill_temps(c, c->count - params);\n", ""),
    "helper_keeps": ("stubs.c", "make_runtime(&s, sizeof LOCALS, trap)",
                     "make_runtime(&s, 0, trap)"),
    "host_results_clean": ("enter.c", "(uint32_t)*from : *from", "*from : *from"),
    "growth_limit": ("compile.c", "GROWTH_MAX = 24", "GROWTH_MAX = 24000"),
    "all_locals": ("../validate_body.c", "l->all_locals += count;", ""),
    "slots_at_once": ("../validate.c", "    if (v->max_height > WASM_MAX_SLOTS)\n", "    if (0)\n"),
    "refused_gives_back": ("../instance.c", "        take_back(store, memories, tables);\n", ""),
    "limit_or_host": ("../instance.c", "pages * WASM_PAGE_BYTES > store->", "pages * WASM_PAGE_BYTES < store->"),
    "unsealed_forgotten": ("compile.c", "    } else {\n        forget_code(i);\n", "    } else {\n"),
    "inner_trap_forgotten": ("../execute.c", "    x->status = WASM_OK; /* whatever", "    /* whatever"),
    "names_harmless": ("../names.c", "*text++ = control ? '?' : (char)bytes[i];", "*text++ = (char)bytes[i];"),
    "c1_harmless": ("../names.c", "bytes[i + 1] < 0xa0;", "bytes[i + 1] < 0x80;"),
    "bytes_harmless": ("../names.c", " || (bytes[i] >= 0x80 && !utf8)", ""),
    "host_fault_its_own": ("../execute.c", " || e->x->in_host", ""),
    "keys_apart": ("../tree.c", "at -= name->length + 1;", "at -= name->length;"),
    "key_ends": ("../tree.c", "return part == 0 ? 1 :", "return part == 0 ? 0 :"),
    "later_definition": ("../store.c", "    if (!d) {\n        d = new_definition", "    if (d)\n        return true;\n    if (!d) {\n        d = new_definition"),
    "tables_grow_doubled": ("../table.c", "size_t room = 2 * (size_t)t->room;", "size_t room = 0;"),
    "exports_merged": ("../exports.c", "to[at] = take_left ? from[left++] : from[right++];", "to[at] = from[at];"),
    "fault_is_ours": ("enter.c", "            return true;\n        }\n", "            return false;\n        }\n"),
    "trap_says_where": ("stubs.c", "    store(s, RCX, FIELD(s, ip));\n", ""),
    "long_select": ("misc.c", "        x64_u32(c); /* 1, in as many bytes as it likes */\n", "        c->at++;\n"),
    "long_select_translated": ("../translate.c", "        wasm_read_u32(&t->r); /* 1, in as many bytes as it likes */\n",
                               "        wasm_read_byte(&t->r);\n"),
    "long_saturating": ("../translate.c", "    if (which <= OP_TRUNC_SAT_LAST)",
                        "    if (which <= OP_TRUNC_SAT_LAST && t->r.at[-1])"),
    "table_registers_first": ("control.c",
                              "    unsigned table = x64_alloc_gp(c), target = x64_alloc_gp(c);\n"
                              "    x64_alu_ri(a, 0, ALU_CMP, index, (int32_t)count);\n"
                              "    jcc_forward(c, CC_AE, &other);\n",
                              "    x64_alu_ri(a, 0, ALU_CMP, index, (int32_t)count);\n"
                              "    jcc_forward(c, CC_AE, &other);\n"
                              "    unsigned table = x64_alloc_gp(c), target = x64_alloc_gp(c);\n"),
    "narrow_exchange": ("atomic.c", "    extend(c, op->log2, RAX);\n", ""),
    "atomic_address": ("atomic.c", "    x64_drop(c);\n    c->pinned = pinned;", "    x64_drop(c);\n    (void)pinned;"),
    "stack_settles": ("values.c", "    if (c->count - c->settled <= UNSETTLED_MAX)\n        return;\n", "    return;\n"),
    "offset_by_probe": ("compile.c", "    c->found = offset;", "    c->found = 0;"),
    "lists_at_once": ("../validate.c", "    if (ends_with(v, list)) {", "    if (0) {"),
}
# Mutants that are only slow: the module of ci/fuzz/hostile.py that shows it.
SLOW = {"stack_settles": "locals_on_the_stack", "lists_at_once": "many_results"}


def source(name):
    return (ENGINE / "src/x86_64" / name).resolve()


def compiled(path, target, text=None):
    """`text` in place of `path`, or the file itself, as an object."""
    subprocess.run(["gcc", *FLAGS, "-c", "-x", "c", "-o", target, "-" if text else path],
                   input=text, text=True, cwd=path.parent, check=True)
    return target


def succeeds(seconds, *command):
    try:
        return subprocess.run(command, capture_output=True, timeout=seconds, check=False).returncode == 0
    except subprocess.TimeoutExpired:
        return False


def passes(program, objects, slow, seconds=SECONDS):
    """Whether the unit tests and our own scripts do, linked with these objects by source; or, of what is only slow,
    whether this module takes no longer than it may."""
    engine = [target for path, target in objects.items() if ENGINE in path.parents]
    if slow:
        subprocess.run(["gcc", "-o", program, *engine, objects[TRANSCRIPT], "-lm"], check=True)
        return succeeds(seconds, sys.executable, TOP / "ci/fuzz/hostile.py", program, slow)
    tests = [target for path, target in objects.items() if path.parent == TESTS]
    subprocess.run(["gcc", "-o", program, *engine, *tests, "-lcmocka", "-lm", "-lpthread",
                    *(f"-Wl,--wrap={name}" for name in WRAPPED)], check=True)
    if not succeeds(seconds, program):
        return False
    runner = program.with_suffix(".runner")
    subprocess.run(["gcc", "-o", runner, *engine, objects[RUNNER], "-lm"], check=True)
    return succeeds(seconds, sys.executable, RUNNER.parent / "run.py", runner, TOP / "../shared/wasm-spec", "more")


def prepare():
    """Path -> object, of the engine and its tests."""
    OUT.mkdir(parents=True, exist_ok=True)
    for wat in TESTS.glob("*.wat"):
        subprocess.run(["wat2wasm", "--debug-names", "--enable-tail-call", "--enable-multi-memory",
                        "--enable-threads", wat, "-o", OUT / f"{wat.stem}.wasm"], check=True)
    other = {"no_compiler.c", "assembler_test.c", "platform_test.c"}
    files = [path for folder in (ENGINE / "src", ENGINE / "src/x86_64", TESTS)
             for path in sorted(folder.glob("*.c")) if path.name not in other] + [RUNNER, TRANSCRIPT]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        return dict(zip(files, pool.map(
            lambda path: compiled(path, OUT / f"{path.parent.name}-{path.stem}.o"), files)))


def lives(name, objects):
    """What is wrong with the mutant, or None: a test failed."""
    file, old, new = MUTANTS[name]
    text = source(file).read_text()
    if text.count(old) != 1:
        return f"{file} has the text {text.count(old)} times"
    mutant = compiled(source(file), OUT / f"mutant-{name}.o", text.replace(old, new))
    alive = passes(OUT / f"mutant-{name}", {**objects, source(file): mutant}, SLOW.get(name))
    return f"nothing notices ({file})" if alive else None


def main(names):
    objects = prepare()
    if not passes(OUT / "whole", objects, None, PATIENCE):
        print("the engine's tests fail without a mutant\n0 passed, 1 failed, 0 skipped")
        return 1
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        found = list(pool.map(lambda name: lives(name, objects), names))
    for name, wrong in zip(names, found):
        if wrong:
            print(f"{name}: {wrong}")
    failed = sum(wrong is not None for wrong in found)
    print(f"{len(names) - failed} passed, {failed} failed, 0 skipped")
    return failed != 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or list(MUTANTS)))
