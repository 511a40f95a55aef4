// The files of a bundle, checked: on disk, or sent.

import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { BundleError } from "./bundle.mjs";

const MANIFEST = "bundle.json";

/** Read bundle.json and every file of a bundle; refuse one that is missing, changed or foreign. */
export function readBundle(folder) {
  const content = (name) => readFileSync(join(folder, name));
  return checked(new Map(readdirSync(folder).map((name) => [name, () => content(name)])));
}

/** Give a bundle whose files were sent, by name, in base64; refuse what `readBundle` does. */
export function sentBundle(files) {
  const content = (data) => () => Buffer.from(data, "base64");
  return checked(new Map(Object.entries(files).map(([name, data]) => [name, content(data)])));
}

function checked(present) {
  const manifest = JSON.parse(present.get(MANIFEST)().toString("utf8"));
  const files = new Map();
  const foreign = new Set([...present.keys()].filter((name) => name !== MANIFEST));
  for (const { path, sha256 } of manifest.files) {
    if (!foreign.delete(path)) throw new BundleError(`${path} is missing`, { file: path });
    const content = present.get(path)();
    if (createHash("sha256").update(content).digest("hex") !== sha256) {
      throw new BundleError(`${path} is changed`, { file: path });
    }
    files.set(path, content);
  }
  for (const name of foreign) throw new BundleError(`${name} does not belong to it`, { file: name });
  return { manifest, files };
}
