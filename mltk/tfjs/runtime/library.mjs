// TensorFlow.js in Node.js: load it, answer a job.
//
//   job     {modules, bundle, backends, inputs: {name: tensor} | null, batch,
//            timed: {count, warmup} | null}
//   answer  {runtime, results: [{backend, golden, outputs: {name: tensor} | null, timings: [ms]}]}
//           {error: {message, backend?, file?}}
//
// `modules` is the folder whose node_modules holds TensorFlow.js; `bundle` is a folder, or the files
// of one by name, in base64; tensors are those of tensors.mjs.

import { createRequire } from "node:module";
import { dirname, join, sep } from "node:path";

import { onEach } from "./bundle.mjs";
import { readBundle, sentBundle } from "./files.mjs";

const loaded = new Map();

/** Load TensorFlow.js and the backends that a job asks for. */
export function load(modules, backends) {
  const require = createRequire(join(modules, "package.json"));
  const tf = require("@tensorflow/tfjs-core");
  // Else it advises on every start to install its native build.
  tf.enableProdMode();
  if (backends.includes("cpu")) require("@tensorflow/tfjs-backend-cpu");
  if (backends.includes("wasm") && !loaded.has(modules)) {
    const wasm = require("@tensorflow/tfjs-backend-wasm");
    wasm.setWasmPaths(dirname(require.resolve("@tensorflow/tfjs-backend-wasm")) + sep);
    loaded.set(modules, wasm);
  }
  const { loadGraphModel } = require("@tensorflow/tfjs-converter");
  return { tf, loadGraphModel };
}

/** Answer a job, come what may. */
export async function answer({ modules, bundle: named, ...job }) {
  try {
    const bundle = typeof named === "string" ? readBundle(named) : sentBundle(named);
    const library = load(modules, job.backends);
    const results = await onEach(library, job, bundle);
    return { runtime: { node: process.versions.node, tfjs: library.tf.version_core }, results };
  } catch (error) {
    return { error: { message: error.message, ...error.facts } };
  }
}
