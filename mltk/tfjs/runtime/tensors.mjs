// Tensors on the wire: {shape, dtype, data} with data as base64 of little-endian values.

/** Which typed array holds the values of a dtype. */
export const ARRAYS = { float32: Float32Array, int32: Int32Array, bool: Uint8Array };

/** Give the values of a wire tensor as a typed array. */
export function decode({ dtype, data }) {
  const bytes = Uint8Array.from(atob(data), (character) => character.charCodeAt(0));
  return new ARRAYS[dtype](bytes.buffer);
}

/** Give a wire tensor for values that TensorFlow.js computed. */
export function encode({ shape, dtype, values }) {
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  let text = "";
  // A call takes some ten thousand arguments, not all bytes at once.
  for (let at = 0; at < bytes.length; at += 8192) {
    text += String.fromCharCode(...bytes.subarray(at, at + 8192));
  }
  return { shape, dtype, data: btoa(text) };
}

/** Give rows `begin` to `end` of {shape, dtype, values}. */
export function rowsOf({ shape, dtype, values }, begin, end) {
  const width = shape.slice(1).reduce((product, size) => product * size, 1);
  return {
    shape: [end - begin, ...shape.slice(1)],
    dtype,
    values: values.subarray(begin * width, end * width),
  };
}

/** Join tensors of the same type along their first axis. */
export function concatenate(parts) {
  const [{ shape, dtype, values }] = parts;
  if (parts.length === 1) return parts[0];
  const joined = new values.constructor(parts.reduce((sum, part) => sum + part.values.length, 0));
  let at = 0;
  let rows = 0;
  for (const part of parts) {
    joined.set(part.values, at);
    at += part.values.length;
    rows += part.shape[0];
  }
  return { shape: [rows, ...shape.slice(1)], dtype, values: joined };
}

/**
 * Give the largest error of `found` against `expected`, absolute and divided by the largest
 * absolute expected value. A value that is not finite has no error: it is counted apart.
 */
export function errors(found, expected) {
  let absolute = 0;
  let scale = 0;
  let notFinite = 0;
  for (let i = 0; i < expected.length; i++) {
    if (!Number.isFinite(found[i])) notFinite++;
    else absolute = Math.max(absolute, Math.abs(found[i] - expected[i]));
    scale = Math.max(scale, Math.abs(expected[i]));
  }
  return { absolute, relative: absolute / (scale || 1), notFinite };
}
