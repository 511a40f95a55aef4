import assert from "node:assert/strict";
import { test } from "node:test";

import { concatenate, decode, encode, errors, rowsOf } from "../../mltk/tfjs/runtime/tensors.mjs";

for (const [dtype, values] of [
  ["float32", Float32Array.of(1.5, -0, 3e38)],
  ["int32", Int32Array.of(1, -7, 2 ** 31 - 1)],
  ["bool", Uint8Array.of(1, 0, 1)],
]) {
  test(`${dtype} survives the wire`, () => {
    const wire = encode({ shape: [3, 1], dtype, values });
    assert.deepEqual(wire.shape, [3, 1]);
    assert.deepEqual(decode(JSON.parse(JSON.stringify(wire))), values);
  });
}

test("a view into a larger buffer is encoded by itself", () => {
  const values = Float32Array.of(1, 2, 3, 4).subarray(1, 3);
  assert.deepEqual(decode(encode({ shape: [2], dtype: "float32", values })), Float32Array.of(2, 3));
});

test("batches cut and joined again are the whole", () => {
  const values = Float32Array.from({ length: 30 }, (_, i) => i);
  const whole = { shape: [5, 3, 2], dtype: "float32", values };
  const parts = [rowsOf(whole, 0, 2), rowsOf(whole, 2, 4), rowsOf(whole, 4, 5)];
  assert.deepEqual(parts[2].shape, [1, 3, 2]);
  assert.deepEqual(concatenate(parts), whole);
});

test("the error is relative to the largest expected value", () => {
  const { absolute, relative, notFinite } = errors([1, -9], [1.5, -10]);
  assert.equal(absolute, 1);
  assert.equal(relative, 0.1);
  assert.equal(notFinite, 0);
});

test("numbers that are not finite are counted, and zero has no scale", () => {
  assert.deepEqual(errors([NaN, Infinity, 0.5], [0, 0, 0]), {
    absolute: 0.5,
    relative: 0.5,
    notFinite: 2,
  });
});
