# SPDX-License-Identifier: Apache-2.0
"""Standard Webhooks 1.0.0 signatures, made independently of the server's own code."""

import base64
import hashlib
import hmac


def sign(secret, message_id, timestamp, body):
    """`v1,<base64>` over id.timestamp.body under `whsec_...`."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    content = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
