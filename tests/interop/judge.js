// SPDX-License-Identifier: Apache-2.0
// What a library says to a message. ONRAMP_INTEROP_MODULES is the folder that it is installed in.
"use strict";

const { createRequire } = require("node:module");
const path = require("node:path");

const from = createRequire(path.join(process.env.ONRAMP_INTEROP_MODULES, "package.json"));
const libraries = {
  standardwebhooks: from("standardwebhooks").Webhook,
  svix: from("svix").Webhook,
};

function judged(library, secret, body, headers) {
  try {
    new libraries[library](secret).verify(body, headers);
    return "accepted";
  } catch (error) {
    // Anything else than its refusal, such as a body that is no JSON, comes behind the signature.
    return error.constructor.name === "WebhookVerificationError" ? "refused" : String(error);
  }
}

module.exports = { libraries, judged };
