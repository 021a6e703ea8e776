// transcript.c's twin for V8: the same lines for the same modules.
//   node [V8-FLAG...] transcript.mjs < LIST
//   node transcript.mjs --features       prints the options that make wasm-opt generate for this V8
import fs from "node:fs";
import process from "node:process";

const view = new DataView(new ArrayBuffer(8));
const hex = (bits, digits) => bits.toString(16).padStart(digits, "0");

// A value by its type's name; JavaScript's own type does not tell i32 from f32.
function text(type, value) {
  switch (type) {
    case "i32":
      return ` i32:${hex(value >>> 0, 8)}`;
    case "i64":
      return ` i64:${hex(BigInt.asUintN(64, value), 16)}`;
    case "f32":
      view.setFloat32(0, value);
      return ` f32:${hex(view.getUint32(0), 8)}`;
    case "f64":
      view.setFloat64(0, value);
      return ` f64:${hex(view.getBigUint64(0), 16)}`;
    default:
      return value === null || value === undefined ? " null" : " reference";
  }
}

const KINDS = [
  [/unreachable/, "unreachable"],
  [/(divide|remainder) by zero/, "zero"],
  [/unrepresentable/, "range"],
  [/memory access out of bounds|data segment .*out of bounds/, "memory"],
  [/table (index|access|element).*out of bounds|element segment .*out of bounds/, "table"],
  [/signature mismatch/, "signature"],
  [/unaligned/, "memory"],
  [/Atomics.wait/, "wait"],
];

function kindOf(error) {
  if (error instanceof RangeError && /call stack/.test(error.message)) return "stack";
  if (error instanceof TypeError) return "host"; // a v128 on its way to an import
  for (const [pattern, kind] of KINDS) if (pattern.test(error.message)) return kind;
  return `${error.name}: ${error.message}`;
}

// The little of the binary format that the JavaScript interface does not tell: the types of
// imported and exported functions and globals.
const TYPES = { 0x7f: "i32", 0x7e: "i64", 0x7d: "f32", 0x7c: "f64", 0x7b: "v128" };

function readTypes(bytes) {
  let at = 8;
  const byte = () => bytes[at++];
  const number = () => {
    let value = 0, shift = 0, next;
    do value |= ((next = byte()) & 0x7f) << shift, (shift += 7); while (next & 0x80);
    return value >>> 0;
  };
  const list = (read) => Array.from({ length: number() }, read);
  const type = () => TYPES[byte()] ?? "reference";
  const limits = () => (byte() & 1 ? (number(), number()) : number());
  const name = () => {
    const length = number();
    at += length;
  };
  const constant = () => {
    // Generated initial values are single instructions.
    const opcode = byte();
    if (opcode === 0x41 || opcode === 0x42) while (byte() & 0x80);
    else if (opcode === 0x43) at += 4;
    else if (opcode === 0x44) at += 8;
    else if (opcode === 0xfd) number(), (at += 16);
    else if (opcode === 0xd0) at++;
    else number(); // ref.func, global.get
    if (byte() !== 0x0b) throw new Error("an initial value of several instructions");
  };
  const found = { types: [], imports: [], functions: [], globals: [], exports: [] };
  while (at < bytes.length) {
    const id = byte(), end = number() + at;
    if (id === 1) found.types = list(() => (byte(), { params: list(type), results: list(type) }));
    if (id === 2)
      list(() => {
        name(), name();
        const kind = byte();
        if (kind === 0) found.imports.push(found.types[number()]);
        else throw new Error("an import that is no function");
      });
    if (id === 3) found.functions = list(() => found.types[number()]);
    if (id === 6) found.globals = list(() => { const of = type(); byte(), constant(); return of; });
    if (id === 7) found.exports = list(() => (name(), byte(), number()));
    at = end;
  }
  found.functions = [...found.imports, ...found.functions];
  return found;
}

const crosses = (type) => ![...type.params, ...type.results].includes("v128");

function* argumentsOf(type) {
  for (const [i, name] of type.params.entries())
    yield name === "i64" ? BigInt(i + 1) : name === "reference" ? null : i + 1;
}

function hash(buffer) {
  let value = 2166136261;
  for (const byte of new Uint8Array(buffer)) value = Math.imul(value ^ byte, 16777619);
  return hex(value >>> 0, 8);
}

function transcript(path) {
  const lines = [`module ${path}`];
  const bytes = fs.readFileSync(path);
  let module, instance;
  try {
    module = new WebAssembly.Module(bytes);
  } catch (error) {
    return [...lines, `refused: ${error.message}`];
  }
  const known = readTypes(bytes);
  const imports = {};
  WebAssembly.Module.imports(module).forEach(({ module, name }, i) => {
    imports[module] ??= {};
    imports[module][name] = (...values) => {
      const { params, results } = known.imports[i];
      lines.push("log" + params.map((type, k) => text(type, values[k])).join(""));
      const zeros = results.map((type) => (type === "i64" ? 0n : type === "reference" ? null : 0));
      return zeros.length > 1 ? zeros : zeros[0];
    };
  });
  const end = (start, body) => {
    let line;
    try {
      line = start + body();
    } catch (error) {
      line = `${start} trap ${kindOf(error)}`;
    }
    lines.push(line);
  };
  end("instantiate", () => ((instance = new WebAssembly.Instance(module, imports)), ""));
  if (!instance) return lines;
  const exports = WebAssembly.Module.exports(module).map((item, i) => ({
    ...item, value: instance.exports[item.name], index: known.exports[i],
  }));
  for (const { name, kind, value, index } of exports) {
    if (kind !== "function") continue;
    const type = known.functions[index];
    instance.exports.hangLimitInitializer?.();
    if (!crosses(type)) {
      lines.push(`call ${name} v128`);
      continue;
    }
    end(`call ${name}`, () => {
      const result = value(...argumentsOf(type));
      const results = type.results.length > 1 ? result : [result];
      return type.results.map((of, k) => text(of, results[k])).join("");
    });
  }
  for (const { name, kind, value, index } of exports) {
    if (kind === "memory") lines.push(`memory ${name} ${value.buffer.byteLength} ${hash(value.buffer)}`);
    if (kind === "global") {
      const type = known.globals[index];
      lines.push(`global ${name}` + (type === "v128" ? " v128" : text(type, value.value)));
    }
  }
  return lines;
}

// Feature of wasm-opt -> a body that needs it, in a function without parameters and results.
const FEATURES = {
  "simd": [0x41, 0, 0xfd, 0x0f, 0x1a],
  "tail-call": [0x12, 0],
  "threads": [0xfe, 0x03, 0],
  "bulk-memory": [0x41, 0, 0x41, 0, 0x41, 0, 0xfc, 0x0b, 0],
  "sign-ext": [0x41, 0, 0xc0, 0x1a],
  "nontrapping-float-to-int": [0x43, 0, 0, 0, 0, 0xfc, 0, 0x1a],
};

function validates(body) {
  return WebAssembly.validate(new Uint8Array([
    0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 4, 1, 0x60, 0, 0, 3, 2, 1, 0, 5, 3, 1, 0, 1,
    10, body.length + 4, 1, body.length + 2, 0, ...body, 0x0b,
  ]));
}

if (process.argv[2] === "--features") {
  const has = Object.keys(FEATURES).filter((name) => validates(FEATURES[name]));
  console.log([...has, "multivalue", "mutable-globals"].map((name) => `--enable-${name}`).join("\n"));
} else {
  for (const path of fs.readFileSync(0, "utf8").split("\n").filter(Boolean))
    fs.writeSync(1, transcript(path).join("\n") + "\n");
}
