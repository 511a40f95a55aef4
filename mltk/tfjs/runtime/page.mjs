// Runs bundles in the TensorFlow.js of a page: one job a page, until its server has none.
// Jobs and answers are those of predict.mjs; TensorFlow.js is there already, as `tf`.

import { BundleError, onEach } from "./bundle.mjs";

const hex = (bytes) => [...new Uint8Array(bytes)].map((b) => b.toString(16).padStart(2, "0")).join("");

async function readBundle() {
  const get = async (name) => new Uint8Array(await (await fetch(`bundle/${name}`)).arrayBuffer());
  const manifest = JSON.parse(new TextDecoder().decode(await get("bundle.json")));
  const files = new Map();
  for (const { path, sha256 } of manifest.files) {
    const content = await get(path);
    if (hex(await crypto.subtle.digest("SHA-256", content)) !== sha256) {
      throw new BundleError(`${path} is changed`, { file: path });
    }
    files.set(path, content);
  }
  return { manifest, files };
}

async function answer(job) {
  try {
    const library = { tf, loadGraphModel: tf.loadGraphModel };
    const results = await onEach(library, job, await readBundle());
    const [, chromium] = /Chrom\w*\/([\d.]+)/.exec(navigator.userAgent);
    return { runtime: { chromium, tfjs: tf.version_core }, results };
  } catch (error) {
    return { error: { message: error.message, ...error.facts } };
  }
}

tf.enableProdMode();
tf.wasm.setWasmPaths("modules/tfjs-backend-wasm/");
const job = await (await fetch("job")).json();
if (job !== null) {
  await fetch("answer", { method: "POST", body: JSON.stringify(await answer(job)) });
  // Programs and buffers of a graphics backend last as long as its page.
  location.reload();
}
