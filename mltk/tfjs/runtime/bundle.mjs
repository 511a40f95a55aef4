// A bundle in JavaScript: load it, run it, test it; in Node.js and in a page alike.

import { encodeRows } from "./rows.mjs";
import { ARRAYS, concatenate, decode, encode, errors, rowsOf } from "./tensors.mjs";

/** A failure to tell the user about; `facts` says where (backend, file, output). */
export class BundleError extends Error {
  constructor(message, facts = {}) {
    super(message);
    this.facts = facts;
  }
}

/** Give the IOHandler by which TensorFlow.js loads a graph model from files in memory. */
export function handler({ files }) {
  const model = JSON.parse(new TextDecoder().decode(files.get("model.json")));
  const groups = model.weightsManifest;
  const shards = groups.flatMap(({ paths }) => paths.map((path) => files.get(path)));
  const weights = joined(shards);
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

function joined(parts) {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/**
 * Load a bundle on a backend, run its self-test and the rows of `inputs`, if there are any; with
 * `timed` time single ones of them, too.
 */
export async function onBackend({ tf, loadGraphModel }, backend, bundle, inputs, { batch, timed }) {
  if (!tf.findBackendFactory(backend)) throw new BundleError("there is no such backend");
  if (!(await tf.setBackend(backend))) throw new BundleError("the backend does not start");
  await tf.ready();
  const model = await loadGraphModel(handler(bundle));
  const golden = await selfTest(tf, model, bundle.manifest);
  const outputs = inputs && (await predict(tf, model, bundle.manifest, inputs, batch));
  const spent = inputs && timed ? await timings(tf, model, bundle.manifest, inputs, timed) : [];
  model.dispose();
  return { golden, outputs: outputs && mapValues(outputs, encode), timings: spent };
}

/** Run the job of `backends` one after the other; a failure names its backend. */
export async function onEach(library, { backends, inputs, batch, timed }, bundle) {
  const rows = inputs && mapValues(inputs, (tensor) => ({ ...tensor, values: decode(tensor) }));
  const results = [];
  for (const backend of backends) {
    try {
      const found = await onBackend(library, backend, bundle, rows, { batch, timed });
      results.push({ backend, ...found });
    } catch (error) {
      throw new BundleError(error.message, { ...error.facts, backend });
    }
  }
  return results;
}

function mapValues(object, change) {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, change(value)]));
}

/**
 * Run a loaded model over rows, `batch` at a time; everything goes by the bundle's own names.
 * `inputs` is {name: {shape, dtype, values}}, the answer is of the same form.
 */
export async function predict(tf, model, manifest, inputs, batch = 256) {
  for (const { name } of manifest.inputs) {
    if (!inputs[name]) throw new BundleError(`there are no rows for input '${name}'`);
  }
  const rows = inputs[manifest.inputs[0].name].shape[0];
  const parts = manifest.outputs.map(() => []);
  for (let begin = 0; begin < rows; begin += batch) {
    const end = Math.min(begin + batch, rows);
    const results = tf.tidy(() => {
      const feeds = manifest.inputs.map(({ name }) => {
        const { shape, dtype, values } = rowsOf(inputs[name], begin, end);
        return [name, tf.tensor(values, shape, dtype)];
      });
      const names = manifest.outputs.map(({ name }) => name);
      return [model.execute(Object.fromEntries(feeds), names)].flat();
    });
    for (const [i, result] of results.entries()) {
      parts[i].push({ shape: result.shape, dtype: result.dtype, values: await valuesOf(result) });
    }
    tf.dispose(results);
  }
  return Object.fromEntries(manifest.outputs.map(({ name }, i) => [name, concatenate(parts[i])]));
}

/**
 * Time predictions of one row each, in milliseconds, after `warmup` that are not counted: TensorFlow.js
 * compiles and allocates at first. From numbers to numbers, as a client waits for it.
 */
export async function timings(tf, model, manifest, inputs, { count, warmup }) {
  const rows = inputs[manifest.inputs[0].name].shape[0];
  const single = (i) => mapValues(inputs, (tensor) => rowsOf(tensor, i % rows, (i % rows) + 1));
  const spent = [];
  for (let i = -warmup; i < count; i += 1) {
    const row = single(i + warmup);
    const began = performance.now();
    await predict(tf, model, manifest, row);
    if (i >= 0) spent.push(performance.now() - began);
  }
  return spent;
}

/** Give a tensor's values in the array of its dtype: a cast on the cpu backend keeps the former. */
async function valuesOf(tensor) {
  // The webgpu backend has no other way to read.
  const values = await tensor.data();
  const kind = ARRAYS[tensor.dtype];
  return values instanceof kind ? values : kind.from(values);
}

/** Make the inputs of the golden rows from their records: to the last bit, else it is an error. */
function checkRecords(manifest, records) {
  const input = manifest.inputs.find(({ features }) => features.length);
  const { values } = encodeRows(input, records);
  const { data } = manifest.golden.inputs[input.name];
  const wrong = data.findIndex((value, i) => !Object.is(values[i] + 0, Math.fround(value ?? NaN) + 0));
  if (wrong < 0 && data.length === values.length) return;
  throw new BundleError(
    `golden record ${Math.floor(wrong / (values.length / records.length))} gives ${values[wrong]}` +
      ` where ${data[wrong]} is right: this JavaScript reads its values in another way`,
  );
}

/** Run the golden rows: the self-test of a bundle. Errors are the largest over the outputs. */
export async function selfTest(tf, model, manifest) {
  const { inputs, outputs, records } = manifest.golden;
  if (records) checkRecords(manifest, records);
  const rows = Object.fromEntries(
    Object.entries(inputs).map(([name, { shape, dtype, data }]) => [
      name,
      // A missing value is null in JSON, and NaN to the graph.
      { shape, dtype, values: ARRAYS[dtype].from(data, (value) => value ?? NaN) },
    ]),
  );
  const found = await predict(tf, model, manifest, rows);
  const result = { rows: 0, absolute: 0, relative: 0, notFinite: 0 };
  for (const [name, { shape, data }] of Object.entries(outputs)) {
    if (found[name].shape.join() !== shape.join()) {
      const [gave, wanted] = [found[name].shape, shape].map((sizes) => `[${sizes.join(", ")}]`);
      throw new BundleError(`output '${name}' has shape ${gave} where ${wanted} is right`);
    }
    const wrong = errors(found[name].values, data);
    result.rows = shape[0];
    result.absolute = Math.max(result.absolute, wrong.absolute);
    result.relative = Math.max(result.relative, wrong.relative);
    result.notFinite += wrong.notFinite;
  }
  return result;
}
