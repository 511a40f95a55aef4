// A bundle in JavaScript: read it, check it, run it. Any runtime with TensorFlow.js can do the same.

import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { ARRAYS, concatenate, errors, rowsOf } from "./tensors.mjs";

const MANIFEST = "bundle.json";

/** A failure to tell the user about; `facts` says where (backend, file, output). */
export class BundleError extends Error {
  constructor(message, facts = {}) {
    super(message);
    this.facts = facts;
  }
}

/** Read bundle.json and every file of a bundle; refuse one that is missing, changed or foreign. */
export function readBundle(folder) {
  const manifest = JSON.parse(readFileSync(join(folder, MANIFEST), "utf8"));
  const files = new Map();
  const present = new Set(readdirSync(folder).filter((name) => name !== MANIFEST));
  for (const { path, sha256 } of manifest.files) {
    if (!present.delete(path)) throw new BundleError(`${path} is missing`, { file: path });
    const content = readFileSync(join(folder, path));
    if (createHash("sha256").update(content).digest("hex") !== sha256) {
      throw new BundleError(`${path} is changed`, { file: path });
    }
    files.set(path, content);
  }
  for (const name of present) throw new BundleError(`${name} does not belong to it`, { file: name });
  return { manifest, files };
}

/** Give the IOHandler by which TensorFlow.js loads a graph model from files in memory. */
export function handler({ files }) {
  const model = JSON.parse(files.get("model.json").toString("utf8"));
  const groups = model.weightsManifest;
  const shards = groups.flatMap(({ paths }) => paths.map((path) => files.get(path)));
  const weights = new Uint8Array(Buffer.concat(shards));
  return {
    load: async () => ({
      modelTopology: model.modelTopology,
      format: model.format,
      generatedBy: model.generatedBy,
      convertedBy: model.convertedBy,
      signature: model.signature,
      userDefinedMetadata: model.userDefinedMetadata,
      weightSpecs: groups.flatMap((group) => group.weights),
      weightData: weights.buffer,
    }),
  };
}

/**
 * Run a loaded model over rows, `batch` at a time; everything goes by the bundle's own names.
 * `inputs` is {name: {shape, dtype, values}}, the answer is of the same form.
 */
export function predict(tf, model, manifest, inputs, batch = 256) {
  for (const { name } of manifest.inputs) {
    if (!inputs[name]) throw new BundleError(`there are no rows for input '${name}'`);
  }
  const rows = inputs[manifest.inputs[0].name].shape[0];
  const parts = manifest.outputs.map(() => []);
  for (let begin = 0; begin < rows; begin += batch) {
    const end = Math.min(begin + batch, rows);
    tf.tidy(() => {
      const feeds = manifest.inputs.map(({ name }) => {
        const { shape, dtype, values } = rowsOf(inputs[name], begin, end);
        return [name, tf.tensor(values, shape, dtype)];
      });
      const names = manifest.outputs.map(({ name }) => name);
      const results = [model.execute(Object.fromEntries(feeds), names)].flat();
      results.forEach((result, i) => {
        parts[i].push({ shape: result.shape, dtype: result.dtype, values: result.dataSync() });
      });
    });
  }
  return Object.fromEntries(manifest.outputs.map(({ name }, i) => [name, concatenate(parts[i])]));
}

/**
 * Time predictions of one row each, in milliseconds, after `warmup` that are not counted: TensorFlow.js
 * compiles and allocates at first. From numbers to numbers, as a client waits for it.
 */
export function timings(tf, model, manifest, inputs, { count, warmup }) {
  const rows = inputs[manifest.inputs[0].name].shape[0];
  const single = (i) => mapRows(inputs, i % rows);
  const spent = [];
  for (let i = -warmup; i < count; i += 1) {
    const row = single(i + warmup);
    const began = performance.now();
    predict(tf, model, manifest, row);
    if (i >= 0) spent.push(performance.now() - began);
  }
  return spent;
}

function mapRows(inputs, row) {
  return Object.fromEntries(
    Object.entries(inputs).map(([name, tensor]) => [name, rowsOf(tensor, row, row + 1)]),
  );
}

/** Run the golden rows: the self-test of a bundle. Errors are the largest over the outputs. */
export function selfTest(tf, model, manifest) {
  const { inputs, outputs } = manifest.golden;
  const rows = Object.fromEntries(
    Object.entries(inputs).map(([name, { shape, dtype, data }]) => [
      name,
      { shape, dtype, values: ARRAYS[dtype].from(data) },
    ]),
  );
  const found = predict(tf, model, manifest, rows);
  const result = { rows: 0, absolute: 0, relative: 0, notFinite: 0 };
  for (const [name, { shape, data }] of Object.entries(outputs)) {
    const wrong = errors(found[name].values, data);
    result.rows = shape[0];
    result.absolute = Math.max(result.absolute, wrong.absolute);
    result.relative = Math.max(result.relative, wrong.relative);
    result.notFinite += wrong.notFinite;
  }
  return result;
}
