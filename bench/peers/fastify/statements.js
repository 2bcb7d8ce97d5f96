// SPDX-License-Identifier: Apache-2.0
// The calls of onramp's SQL functions, prepared by name on each connection of the pool.

// A call that is made once for an Idempotency-Key; its own parameters, then those of the key.
const once = (name, types) => {
  const own = types.map((type, i) => `$${i + 1}::${type}`);
  const texts = types.map((type, i) => `$${i + 1}::${type}::text`);
  const next = types.length + 1;
  return {
    name: `once_${name}`,
    text:
      "SELECT * FROM onramp.conditional_call(" +
      `(SELECT r FROM onramp.${name}(${own}) r WHERE false), '${name}', ARRAY[${texts}]::text[],` +
      ` NULL, NULL, $${next}::uuid, $${next + 1}, $${next + 2}, $${next + 3}, NULL, NULL, NULL)`,
  };
};

// Who calls, as a value of the type onramp.caller: the name is that of the token.
export const caller = (role, actor) => `(${role},${JSON.stringify(actor)},,,,)`;

export const tokenCheck = {
  name: "token_check",
  text: "SELECT * FROM onramp.token_check($1)",
};

export const circuitGet = {
  name: "circuit_get",
  text: "SELECT * FROM onramp.circuit_get($1, $2)",
};

export const circuitList = {
  name: "circuit_list",
  text:
    "SELECT * FROM onramp.circuit_list($1, $2, $3, NULL, NULL, NULL, NULL, NULL, NULL, NULL)",
};

export const circuitCreate = once("circuit_create", [
  "onramp.caller", "uuid", "text", "text", "text", "int", "text", "text", "jsonb",
]);

export const connectionCreate = once("connection_create", [
  "onramp.caller", "uuid", "uuid", "uuid", "text",
]);

export const connectionDelete = {
  name: "connection_delete",
  text: "SELECT * FROM onramp.connection_delete($1, $2, $3)",
};

export const callbackApply = {
  name: "callback_apply",
  text: "SELECT * FROM onramp.callback_apply($1, $2, $3, $4, $5, $6, $7, $8, $9)",
};
