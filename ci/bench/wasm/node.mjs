// Runs one WASI program with node's own WASI:
//   node [V8-FLAG...] node.mjs [--dir DIR::GUESTDIR] FILE [ARG...]
// The module is compiled as a whole before it starts, if the flags say so. Exit status: its own.
import fs from "node:fs";
import process from "node:process";
import { WASI } from "node:wasi";

process.removeAllListeners("warning"); // that WASI is experimental
process.on("warning", () => {});
const words = process.argv.slice(2);
const preopens = {};
if (words[0] === "--dir") {
  const [dir, name] = words.splice(0, 2)[1].split("::");
  preopens[name] = dir;
}
const wasi = new WASI({ version: "preview1", args: words, preopens, returnOnExit: true });
const module = new WebAssembly.Module(fs.readFileSync(words[0]));
const imports = { wasi_snapshot_preview1: wasi.wasiImport };
process.exitCode = wasi.start(new WebAssembly.Instance(module, imports));
