// SPDX-License-Identifier: Apache-2.0
// Who calls: by a bearer token or by a signature (Standard Webhooks 1.0.0). What was looked up is
// kept for five seconds, as onramp keeps it.
import { createHash, createHmac, timingSafeEqual } from "node:crypto";

import { tokenCheck } from "./statements.js";

const KEPT_MS = 5000;
const TOLERANCE_SECONDS = 300;

export class Refusal extends Error {
  constructor(statusCode, code, facts) {
    super(code);
    this.statusCode = statusCode;
    this.facts = facts;
  }
}

const remembering = (look) => {
  const known = new Map();
  return async (name) => {
    const found = known.get(name);
    if (found && found.until > Date.now()) return found.value;
    const value = await look(name);
    known.set(name, { value, until: Date.now() + KEPT_MS });
    return value;
  };
};

export const callers = (pool) => {
  const tokenOf = remembering(async (token) => {
    const { rows } = await pool.query({ ...tokenCheck, values: [token.slice(5, 17)] });
    const digest = createHash("sha256").update(token).digest();
    const same = rows.length > 0 && timingSafeEqual(digest, Buffer.from(rows[0].sha256, "hex"));
    return same ? rows[0] : null;
  });

  // Sealed in the database for onramp alone, so this one is told.
  const secret = {
    id: process.env.CALLBACK_SECRET_ID,
    key: Buffer.from(process.env.CALLBACK_SECRET.slice("whsec_".length), "base64"),
  };

  const customer = async (request) => {
    const header = request.headers.authorization ?? "";
    if (!header.startsWith("Bearer onrc_")) throw new Refusal(401, "unauthenticated");
    request.caller = await tokenOf(header.slice("Bearer ".length));
    if (!request.caller) throw new Refusal(401, "unauthenticated");
  };

  const signer = async (request) => {
    const id = request.headers["webhook-id"];
    const timestamp = request.headers["webhook-timestamp"];
    const signatures = (request.headers["webhook-signature"] ?? "").split(" ");
    if (!id || Math.abs(Date.now() / 1000 - Number(timestamp)) > TOLERANCE_SECONDS)
      throw new Refusal(401, "unauthenticated");
    const made = createHmac("sha256", secret.key)
      .update(`${id}.${timestamp}.`)
      .update(request.raw.bytes)
      .digest();
    for (const signature of signatures) {
      const given = Buffer.from(signature.slice("v1,".length), "base64");
      if (given.length === made.length && timingSafeEqual(given, made)) {
        request.secret = secret.id;
        return;
      }
    }
    throw new Refusal(401, "unauthenticated");
  };

  return { customer, signer };
};
