// Runs a bundle in TensorFlow.js: one job as JSON on stdin, one answer as JSON on stdout.
//
//   job     {modules, bundle, backends, inputs: {name: tensor} | null, batch,
//            timed: {count, warmup} | null}
//   answer  {runtime, results: [{backend, golden, outputs: {name: tensor} | null, timings: [ms]}]}
//           {error: {message, backend?, file?}} with exit code 1
//
// `modules` is the folder whose node_modules holds TensorFlow.js; tensors are those of tensors.mjs.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, sep } from "node:path";

import { onEach } from "./bundle.mjs";
import { readBundle } from "./files.mjs";

/** Load TensorFlow.js and the backends that a job asks for. */
function load(modules, backends) {
  const require = createRequire(join(modules, "package.json"));
  const tf = require("@tensorflow/tfjs-core");
  // Else it advises on every start to install its native build.
  tf.enableProdMode();
  if (backends.includes("cpu")) require("@tensorflow/tfjs-backend-cpu");
  if (backends.includes("wasm")) {
    const wasm = require("@tensorflow/tfjs-backend-wasm");
    wasm.setWasmPaths(dirname(require.resolve("@tensorflow/tfjs-backend-wasm")) + sep);
  }
  const { loadGraphModel } = require("@tensorflow/tfjs-converter");
  return { tf, loadGraphModel };
}

async function answer({ modules, bundle: folder, ...job }) {
  const bundle = readBundle(folder);
  const library = load(modules, job.backends);
  const results = await onEach(library, job, bundle);
  return { runtime: { node: process.versions.node, tfjs: library.tf.version_core }, results };
}

try {
  const reply = await answer(JSON.parse(readFileSync(0, "utf8")));
  process.stdout.write(JSON.stringify(reply));
} catch (error) {
  process.stdout.write(JSON.stringify({ error: { message: error.message, ...error.facts } }));
  process.exitCode = 1;
}
