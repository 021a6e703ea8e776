// Compiles a module and does nothing with it: node [V8-FLAG...] compile.mjs FILE
import fs from "node:fs";
import process from "node:process";

new WebAssembly.Module(fs.readFileSync(process.argv[2]));
