// The files of a bundle on disk, checked.

import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { BundleError } from "./bundle.mjs";

const MANIFEST = "bundle.json";

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
