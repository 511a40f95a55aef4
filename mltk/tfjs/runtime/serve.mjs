// Runs bundles in a TensorFlow.js that stays: node serve.mjs MODULES, with a socket that listens as
// file 3. A connection is one job of library.mjs: it is greeted with {ready} or, while another one is
// at work, {busy}, sends its job and ends, and gets the answer. Ends when stdin does.

import { createServer } from "node:net";

import { answer, load } from "./library.mjs";

const [modules] = process.argv.slice(2);
// A bundle that took so much leaves the memory behind; whoever comes later runs one of its own.
const MOST_BYTES = 2 ** 30;
const BACKENDS = ["cpu", "wasm"];

const { tf } = load(modules, BACKENDS);

/** Let nothing of a job be there for the next one: backends are made anew, flags are as at first. */
function forget() {
  tf.engine().reset();
  tf.enableProdMode();
}

/** Read to the end; to iterate over the socket would close it, and the answer goes there. */
function readAll(socket) {
  const chunks = [];
  return new Promise((resolve, reject) => {
    socket.on("data", (chunk) => chunks.push(chunk));
    socket.on("end", () => resolve(Buffer.concat(chunks).toString()));
    socket.on("close", () => reject(new Error("whoever asked has gone")));
  });
}

let busy = false;

async function serve(socket) {
  busy = true;
  try {
    socket.write('{"ready":true}\n');
    socket.end(JSON.stringify(await answer(JSON.parse(await readAll(socket)))));
  } catch {
    socket.destroy();
  }
  try {
    forget();
  } catch {
    process.exit(1);
  }
  busy = false;
  if (process.memoryUsage().rss > MOST_BYTES) server.close(() => process.exit());
}

const server = createServer({ allowHalfOpen: true }, (socket) => {
  socket.on("error", () => {});
  if (busy) socket.end('{"busy":true}\n');
  else serve(socket);
});

process.stdin.on("end", () => process.exit()).resume();
for (const backend of BACKENDS) await tf.setBackend(backend);
forget();
server.listen({ fd: 3 });
