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

import { BundleError, handler, predict, readBundle, selfTest, timings } from "./bundle.mjs";
import { decode, encode } from "./tensors.mjs";

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

async function onBackend({ tf, loadGraphModel }, backend, bundle, inputs, { batch, timed }) {
  if (!tf.findBackendFactory(backend)) throw new BundleError("there is no such backend");
  if (!(await tf.setBackend(backend))) throw new BundleError("the backend does not start");
  await tf.ready();
  const model = await loadGraphModel(handler(bundle));
  const golden = selfTest(tf, model, bundle.manifest);
  const outputs = inputs && predict(tf, model, bundle.manifest, inputs, batch);
  const spent = inputs && timed ? timings(tf, model, bundle.manifest, inputs, timed) : [];
  model.dispose();
  return { backend, golden, outputs: outputs && mapValues(outputs, encode), timings: spent };
}

async function answer({ modules, bundle: folder, backends, inputs, batch, timed }) {
  const bundle = readBundle(folder);
  const library = load(modules, backends);
  const rows =
    inputs && mapValues(inputs, (tensor) => ({ ...tensor, values: decode(tensor) }));
  const results = [];
  for (const backend of backends) {
    try {
      results.push(await onBackend(library, backend, bundle, rows, { batch, timed }));
    } catch (error) {
      throw new BundleError(error.message, { ...error.facts, backend });
    }
  }
  return { runtime: { node: process.versions.node, tfjs: library.tf.version_core }, results };
}

function mapValues(object, change) {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, change(value)]));
}

try {
  const reply = await answer(JSON.parse(readFileSync(0, "utf8")));
  process.stdout.write(JSON.stringify(reply));
} catch (error) {
  process.stdout.write(JSON.stringify({ error: { message: error.message, ...error.facts } }));
  process.exitCode = 1;
}
