// Runs a bundle in TensorFlow.js: one job as JSON on stdin, one answer as JSON on stdout, with exit
// code 1 when it is an error. Jobs and answers are those of library.mjs.

import { readFileSync } from "node:fs";

import { answer } from "./library.mjs";

const reply = await answer(JSON.parse(readFileSync(0, "utf8")));
process.stdout.write(JSON.stringify(reply));
if (reply.error) process.exitCode = 1;
