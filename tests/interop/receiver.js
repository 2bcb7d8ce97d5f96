// SPDX-License-Identifier: Apache-2.0
// Receives webhooks on loopback and verifies each with both libraries, and once more with one bit
// flipped. It prints its port; a line {"path", "secrets"} on standard input says which secrets have
// to verify what comes to a path from now on; an empty line asks for the counts so far.
"use strict";

const http = require("node:http");
const readline = require("node:readline");
const { libraries, judged } = require("./judge");

const PARTS = ["webhook-id", "webhook-timestamp", "webhook-signature", "body"];
const secrets = {};
const counts = { messages: 0, verified: 0, failed: 0, flipped: 0, flippedAccepted: 0, several: 0 };
const failures = [];

function note(failure) {
  if (failures.length < 5) failures.push(failure);
}

// The same pseudo-random numbers on every run (mulberry32).
let state = 20261126;
function random(below) {
  state = (state + 0x6d2b79f5) | 0;
  let t = Math.imul(state ^ (state >>> 15), 1 | state);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) % below;
}

function flip(octets) {
  const changed = Buffer.from(octets);
  changed[random(changed.length)] ^= 1 << random(8);
  return changed;
}

function receive(path, headers, body) {
  const known = secrets[path] ?? [];
  counts.messages += 1;
  counts.several += headers["webhook-signature"].includes(" ") ? 1 : 0;
  for (const library of Object.keys(libraries)) {
    for (const secret of known) {
      const verdict = judged(library, secret, body, headers);
      if (verdict === "accepted") counts.verified += 1;
      else {
        counts.failed += 1;
        note({ path, library, verdict, headers });
      }
    }
  }
  // One bit of one part; with several signatures a message stands as long as one of them does.
  const part = PARTS[counts.messages % PARTS.length];
  const single = { ...headers, "webhook-signature": headers["webhook-signature"].split(" ")[0] };
  const changedBody = part === "body" ? flip(body) : body;
  if (part !== "body") single[part] = flip(Buffer.from(single[part], "latin1")).toString("latin1");
  counts.flipped += 1;
  for (const library of Object.keys(libraries))
    for (const secret of known)
      if (judged(library, secret, changedBody, single) !== "refused") {
        counts.flippedAccepted += 1;
        note({ path, library, part, headers, single, body: changedBody.toString("base64") });
      }
}

const server = http.createServer({ keepAliveTimeout: 60000 }, (request, response) => {
  const pieces = [];
  request.on("data", (piece) => pieces.push(piece));
  request.on("end", () => {
    receive(request.url, request.headers, Buffer.concat(pieces));
    response.writeHead(204).end();
  });
});

server.listen(0, "127.0.0.1", () => process.stdout.write(`${server.address().port}\n`));
readline.createInterface({ input: process.stdin }).on("line", (line) => {
  if (line === "") {
    process.stdout.write(JSON.stringify({ ...counts, failures }) + "\n");
  } else {
    const { path, secrets: known } = JSON.parse(line);
    secrets[path] = known;
    process.stdout.write("\n");
  }
}).on("close", () => process.exit(0));
