// A bundle of one operation, written by hand: prediction = features * [2, 3].

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { fileURLToPath } from "node:url";

import { readBundle } from "../../mltk/tfjs/runtime/files.mjs";
import { decode, encode } from "../../mltk/tfjs/runtime/tensors.mjs";

const PREDICT = fileURLToPath(new URL("../../mltk/tfjs/runtime/predict.mjs", import.meta.url));
const MODULES = process.env.MLTK_TFJS_MODULES;

const float = { type: "DT_FLOAT" };
const tensor = (name) => ({ name: `${name}:0`, dtype: "DT_FLOAT" });
const model = (op) => ({
  format: "graph-model",
  modelTopology: {
    node: [
      { name: "features", op: "Placeholder", attr: { dtype: float } },
      { name: "Const/1", op: "Const", attr: { dtype: float } },
      { name: "prediction", op, input: ["features", "Const/1"], attr: { T: float } },
    ],
    versions: {},
  },
  signature: {
    inputs: { features: tensor("features") },
    outputs: { prediction: tensor("prediction") },
  },
  weightsManifest: [
    { paths: ["weights.bin"], weights: [{ name: "Const/1", shape: [2], dtype: "float32" }] },
  ],
});

let folder;

function write(op = "Mul", answer = 6) {
  const files = {
    "model.json": Buffer.from(JSON.stringify(model(op))),
    "weights.bin": Buffer.from(Float32Array.of(2, 3).buffer),
  };
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
  const port = { shape: [null, 2], dtype: "float32" };
  const golden = (data) => ({ shape: [1, 2], dtype: "float32", data });
  const manifest = {
    inputs: [{ name: "features", ...port }],
    outputs: [{ name: "prediction", ...port }],
    files: Object.entries(files).map(([path, content]) => ({
      path,
      sha256: createHash("sha256").update(content).digest("hex"),
    })),
    golden: { inputs: { features: golden([1, 2]) }, outputs: { prediction: golden([2, answer]) } },
  };
  writeFileSync(join(folder, "bundle.json"), JSON.stringify(manifest));
}

function run(job) {
  const input = JSON.stringify({ modules: MODULES, bundle: folder, batch: 2, ...job });
  const { stdout, stderr, status } = spawnSync(process.execPath, [PREDICT], { input });
  return { reply: JSON.parse(stdout), stderr: stderr.toString(), status };
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "bundle-"));
  write();
});

afterEach(() => rmSync(folder, { recursive: true }));

test("a whole bundle is read", () => {
  assert.deepEqual([...readBundle(folder).files.keys()], ["model.json", "weights.bin"]);
});

test("a changed, missing or foreign file is refused by name", () => {
  writeFileSync(join(folder, "extra"), "");
  assert.throws(() => readBundle(folder), { message: "extra does not belong to it" });
  rmSync(join(folder, "extra"));
  const weights = readFileSync(join(folder, "weights.bin"));
  weights[0] ^= 1;
  writeFileSync(join(folder, "weights.bin"), weights);
  assert.throws(() => readBundle(folder), { message: "weights.bin is changed" });
  rmSync(join(folder, "weights.bin"));
  assert.throws(() => readBundle(folder), { message: "weights.bin is missing" });
});

test("both backends pass the self-test and compute rows in batches, without a word", () => {
  const values = Float32Array.from({ length: 10 }, (_, i) => i);
  const features = encode({ shape: [5, 2], dtype: "float32", values });
  const { reply, stderr, status } = run({ backends: ["cpu", "wasm"], inputs: { features } });
  assert.equal(status, 0);
  assert.equal(stderr, "");
  assert.deepEqual(reply.results.map(({ backend }) => backend), ["cpu", "wasm"]);
  for (const { golden, outputs } of reply.results) {
    assert.deepEqual(golden, { rows: 1, absolute: 0, relative: 0, notFinite: 0 });
    assert.deepEqual(outputs.prediction.shape, [5, 2]);
    const expected = values.map((value, i) => value * (i % 2 ? 3 : 2));
    assert.deepEqual(decode(outputs.prediction), expected);
  }
});

test("the self-test measures how far a runtime is off", () => {
  write("Mul", 8);
  const { reply } = run({ backends: ["cpu"], inputs: null });
  assert.deepEqual(reply.results[0].golden, { rows: 1, absolute: 2, relative: 0.25, notFinite: 0 });
  assert.equal(reply.results[0].outputs, null);
});

test("a failure is one JSON object that names backend or file", () => {
  const unknown = run({ backends: ["webgl"], inputs: null });
  assert.equal(unknown.status, 1);
  assert.equal(unknown.reply.error.backend, "webgl");
  write("Lgamma");
  const missing = run({ backends: ["cpu"], inputs: null });
  assert.match(missing.reply.error.message, /Lgamma/);
  assert.equal(missing.reply.error.backend, "cpu");
  rmSync(join(folder, "weights.bin"));
  assert.equal(run({ backends: ["cpu"], inputs: null }).reply.error.file, "weights.bin");
});
