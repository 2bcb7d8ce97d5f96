// SPDX-License-Identifier: Apache-2.0
// server.js PORT - what one would write instead of onramp for the routes that bench/run measures:
// fastify, and pg with a pool and prepared statements, over the same SQL functions. The database
// comes from the environment (PGHOST, PGUSER, PGDATABASE), and so does the secret of the callbacks.
import { createHash } from "node:crypto";

import Fastify from "fastify";
import pg from "pg";

import { callers, Refusal } from "./callers.js";
import * as rows from "./rows.js";
import * as statements from "./statements.js";

const pool = new pg.Pool();
const app = Fastify();
const { customer, signer } = callers(pool);

const run = async (statement, values) => (await pool.query({ ...statement, values })).rows;

const one = async (statement, values) => {
  const [row] = await run(statement, values);
  if (row.outcome === "not_found") throw new Refusal(404, row.outcome);
  if (row.outcome !== "ok") throw new Refusal(409, row.outcome, row.facts);
  return row;
};

// Of the path and the body, as they came.
const digest = (request) =>
  createHash("sha256").update(request.url).update("\n").update(request.raw.bytes).digest("hex");

// Once for an Idempotency-Key, in the transaction of the effect.
const once = (statement, request, values) => {
  const id = request.caller.customer_id;
  return one(statement, [
    ...values, id, `customer:${id}`, request.headers["idempotency-key"], digest(request),
  ]);
};

// The octets are kept: signatures and digests are made of them.
app.addContentTypeParser("application/json", { parseAs: "buffer" }, (request, body, done) => {
  request.raw.bytes = body;
  try {
    done(null, JSON.parse(body));
  } catch {
    done(new Refusal(400, "malformed_json"));
  }
});

app.setErrorHandler((error, request, reply) => {
  const status = error.validation ? 422 : (error.statusCode ?? 500);
  reply.code(status).type("application/problem+json");
  return { type: `/problems/${error.message}`, status, code: error.message, ...error.facts };
});

app.get("/healthz", () => ({ status: "ok" }));

const uuid = { type: "string", pattern: "^[0-9a-f-]{36}$" };
const path = { type: "object", properties: { id: uuid } };

app.get(
  "/v1/circuits/:id",
  { onRequest: customer, schema: { params: path } },
  async (request, reply) => {
    const row = await one(statements.circuitGet, [request.params.id, request.caller.customer_id]);
    reply.header("etag", `"${row.version}"`);
    return rows.circuit(row);
  },
);

app.get(
  "/v1/circuits",
  {
    onRequest: customer,
    schema: {
      querystring: {
        type: "object",
        additionalProperties: false,
        properties: {
          limit: { type: "integer", minimum: 1, maximum: 200, default: 50 },
          cursor: uuid,
        },
      },
    },
  },
  async (request) => {
    const { limit, cursor } = request.query;
    const found = await run(statements.circuitList, [
      request.caller.customer_id, cursor ?? null, limit,
    ]);
    const shown = found.slice(0, limit);
    return {
      items: shown.map(rows.circuit),
      nextCursor: found.length > limit ? shown.at(-1).id : null,
    };
  },
);

app.post(
  "/v1/circuits",
  {
    onRequest: customer,
    schema: {
      body: {
        type: "object",
        additionalProperties: false,
        required: ["name", "partner", "peeringLocation", "bandwidthMbps"],
        properties: {
          name: { type: "string", minLength: 1, maxLength: 80 },
          partner: { type: "string", pattern: "^[a-z0-9-]{1,63}$" },
          peeringLocation: { type: "string", minLength: 1, maxLength: 80 },
          bandwidthMbps: { type: "integer", minimum: 1, maximum: 1000000 },
          tags: { type: "object", default: {} },
        },
      },
    },
  },
  async (request, reply) => {
    const { name, partner, peeringLocation, bandwidthMbps, tags } = request.body;
    const { customer_id: owner, name: actor } = request.caller;
    const row = await once(statements.circuitCreate, request, [
      statements.caller("customer", actor), owner, name, partner, peeringLocation, bandwidthMbps,
      "Standard", "MeteredData", JSON.stringify(tags),
    ]);
    reply.code(201).header("location", `/v1/circuits/${row.id}`).header("etag", `"${row.version}"`);
    return rows.circuit(row);
  },
);

app.post(
  "/v1/connections",
  {
    onRequest: customer,
    schema: {
      body: {
        type: "object",
        additionalProperties: false,
        required: ["circuitId", "vnetId"],
        properties: { circuitId: uuid, vnetId: uuid },
      },
    },
  },
  async (request, reply) => {
    const { customer_id: owner, name: actor } = request.caller;
    const row = await once(statements.connectionCreate, request, [
      statements.caller("customer", actor), owner, request.body.circuitId, request.body.vnetId,
      null,
    ]);
    reply.code(201).header("location", `/v1/connections/${row.id}`);
    return rows.connection(row);
  },
);

app.delete(
  "/v1/connections/:id",
  { onRequest: customer, schema: { params: path } },
  async (request, reply) => {
    const { customer_id: owner, name: actor } = request.caller;
    await one(statements.connectionDelete, [
      statements.caller("customer", actor), request.params.id, owner,
    ]);
    return reply.code(204).send();
  },
);

app.post(
  "/v1/partners/:partner/callbacks",
  {
    preValidation: signer,
    schema: {
      body: {
        type: "object",
        required: ["type", "timestamp", "data"],
        properties: {
          type: { type: "string", pattern: "^circuit[.]" },
          timestamp: { type: "string", maxLength: 40 },
          data: { type: "object", required: ["serviceKey"], properties: { serviceKey: uuid } },
        },
      },
    },
  },
  async (request) => {
    const { type, timestamp, data } = request.body;
    const { serviceKey, ...kept } = data;
    const { partner } = request.params;
    const sha256 = createHash("sha256").update(request.raw.bytes).digest("hex");
    return rows.callback(
      await one(statements.callbackApply, [
        statements.caller("partner", partner), partner, serviceKey, type, timestamp,
        JSON.stringify(kept), request.headers["webhook-id"], sha256, request.secret,
      ]),
    );
  },
);

await app.listen({ host: "127.0.0.1", port: Number(process.argv[2]) });
console.log("ready");
