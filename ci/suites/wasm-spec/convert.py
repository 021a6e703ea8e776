"""From the scripts of the specification suite to what runner.c reads: see there for the format.

The scripts are converted by wast2json (package wabt). Each folder runs with the core features
plus its own proposal. An assertion counts once. Skipped are assertions on modules in text form,
which a binary engine cannot read.
"""
import json
import pathlib
import subprocess
import sys
import tempfile

# Folders, and the proposal that each adds to the core features. The scripts of threads are older
# than reference types: they demand that a second table be refused.
FOLDERS = {"core": [], "tail-call": ["tail-call"], "extended-const": ["extended-const"],
           "multi-memory": ["multi-memory"], "threads": ["threads", "no-reference-types"],
           "more": ["multi-memory", "threads", "tail-call"]}
OWN = pathlib.Path(__file__).parent  # more/: what the suite leaves out
REFUSALS = {"assert_malformed": "malformed", "assert_invalid": "invalid",
            "assert_unlinkable": "unlinkable", "assert_uninstantiable": "trap"}


def hexed(text):
    return text.encode("utf-8", "surrogateescape").hex() or "-"


def name(text):
    return "".join(c if c.isalnum() or c in "$_" else "_" for c in text) if text else "-"


def value(item):
    bits = item.get("value", "any")
    if item["type"] == "v128":
        return f"v128:{item['lane_type']}:{','.join(bits)}"
    return f"{item['type']}:{bits}"


def values(items):
    return f"{len(items)} " + " ".join(map(value, items))


def action(line, act):
    module = name(act.get("module"))
    if act["type"] == "get":
        return [f"{line} get {module} {hexed(act['field'])}"]
    return [f"{line} invoke {module} {hexed(act['field'])} {values(act['args'])}"]


class Bundle:
    """The bytes of all modules, one behind the other."""

    def __init__(self):
        self.bytes = bytearray()

    def place(self, path):
        data = pathlib.Path(path).read_bytes()
        self.bytes += data
        return f"{len(self.bytes) - len(data)}:{len(data)}"


class Script:
    """One converted script: its name (FOLDER/STEM), its lines, and how many assertions they hold."""

    def __init__(self, folder, stem, spectest):
        self.folder, self.name = folder, f"{folder}/{stem}"
        self.asserted = self.skipped = 0
        self.lines = [" ".join([self.name, "script", spectest, *FOLDERS[folder]])]

    def add(self, command, place):
        kind, line = command["type"], command["line"]
        if kind.startswith("assert_"):
            if command.get("module_type") == "text":
                self.skipped += 1
                return
            self.asserted += 1
        if kind == "module":
            self.lines.append(f"{line} module {name(command.get('name'))} {place(command['filename'])}")
        elif kind == "register":
            self.lines.append(f"{line} register {hexed(command['as'])} {name(command.get('name'))}")
        elif kind == "action":
            self.lines += action(line, command["action"])
        elif kind == "assert_return":
            self.lines += action(line, command["action"])
            self.lines.append(f"{line} return {values(command['expected'])}")
        elif kind in ("assert_trap", "assert_exhaustion"):
            self.lines += action(line, command["action"])
            self.lines.append(f"{line} trap {hexed(command['text'])}")
        elif kind in REFUSALS:
            self.lines.append(f"{line} refuse {REFUSALS[kind]} {hexed(command['text'])} "
                              f"{place(command['filename'])}")
        else:
            raise ValueError(f"line {line}: unknown command {kind}")

    def text(self):
        return "\n".join(self.lines) + "\n"


def scripts_of(suite, folder, stem):
    """The scripts of a folder of `suite`, or of our own, whose name is `stem`."""
    return ((OWN if folder == "more" else pathlib.Path(suite)) / folder).glob(f"{stem}.wast")


def convert(suite, wanted=()):
    """All scripts of `suite`, or of the FOLDER[/STEM]s wanted, and the bundle of their modules."""
    bundle, scripts = Bundle(), []
    chosen = {}
    for item in wanted or FOLDERS:
        folder, _, stem = item.partition("/")
        if not list(scripts_of(suite, folder, stem or "*")):
            sys.exit(f"{item}: no such script of the suite; name FOLDER or FOLDER/FILE, without .wast")
        chosen.setdefault(folder, set()).update({stem} if stem else set())
    with tempfile.TemporaryDirectory() as scratch:
        scratch = pathlib.Path(scratch)
        spectest = scratch / "spectest.wasm"
        wat = pathlib.Path(__file__).parent / "spectest.wat"
        subprocess.run(["wat2wasm", "--enable-multi-memory", "--enable-threads", wat, "-o", spectest], check=True)
        spectest = bundle.place(spectest)
        for folder, only in chosen.items():
            for wast in sorted(scripts_of(suite, folder, "*")):
                if only and wast.stem not in only:
                    continue
                script = Script(folder, wast.stem, spectest)
                converted = scratch / (wast.stem + ".json")
                # wast2json also checks types, and warns about scripts older than its proposals.
                subprocess.run(["wast2json", "--enable-all", wast, "-o", converted], check=True,
                               stderr=subprocess.DEVNULL)
                for command in json.loads(converted.read_text())["commands"]:
                    script.add(command, lambda file: bundle.place(scratch / file))
                scripts.append(script)
    return scripts, bytes(bundle.bytes)


def tally(scripts, output, label=""):
    """Prints what failed in the runner's output, and each folder's totals; gives the sums of
    passed, failed and skipped. What the runner did not answer has failed."""
    passed, failed = {}, {}
    for text in output.splitlines():
        kind, _, rest = text.partition(" ")
        where = rest.split(":")[0]
        if kind == "ok":
            passed[where] = passed.get(where, 0) + 1
        elif kind == "FAIL":
            failed[where] = failed.get(where, 0) + 1
            print(f"{label}{rest}")
        elif kind == "note":
            print(f"{label}{rest} (refused all the same)")
    sums = [0, 0, 0]
    for folder in dict.fromkeys(script.folder for script in scripts):
        counts, files = [0, 0, 0], 0
        for script in (s for s in scripts if s.folder == folder):
            good = passed.get(script.name, 0)
            bad = max(failed.get(script.name, 0), script.asserted - good)
            if bad and not failed.get(script.name):
                print(f"{label}{script.name}: {bad} assertions without an answer")
            counts = [a + b for a, b in zip(counts, (good, bad, script.skipped))]
            files += 1
        print(f"{label}{folder}: {files} files, {counts[0]} passed, {counts[1]} failed, "
              f"{counts[2]} skipped (modules in text form)")
        sums = [a + b for a, b in zip(sums, counts)]
    return sums
