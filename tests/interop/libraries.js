// SPDX-License-Identifier: Apache-2.0
// Signs and verifies with the libraries. A question is a line of JSON on standard input, its answer
// a line on standard output: {"library", "secret", "sign": [message]} -> [signature],
// {"library", "secret", "verify": [message]} -> ["accepted" | "refused" | what went wrong].
// A message is {id, timestamp, body, signature}, the body in base64, the rest as in the headers.
"use strict";

const readline = require("node:readline");
const { libraries, judged } = require("./judge");

function sign({ library, secret, sign: messages }) {
  const webhook = new libraries[library](secret);
  return messages.map(({ id, timestamp, body }) =>
    webhook.sign(id, new Date(Number(timestamp) * 1000), Buffer.from(body, "base64")));
}

function verify({ library, secret, verify: messages }) {
  return messages.map(({ id, timestamp, signature, body }) =>
    judged(library, secret, Buffer.from(body, "base64"), {
      "webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": signature,
    }));
}

readline.createInterface({ input: process.stdin }).on("line", (line) => {
  const question = JSON.parse(line);
  process.stdout.write(JSON.stringify(question.sign ? sign(question) : verify(question)) + "\n");
});
