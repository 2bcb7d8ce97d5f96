# SPDX-License-Identifier: Apache-2.0
"""An HTTP client for one caller, with one kept-alive connection a thread.

It never retries, never follows, and gives every answer to the contract before the test sees it.
"""

import functools
import http.client
import json
import threading
import time
import urllib.parse

import contract

# The server may close a connection that has been idle for its header time-out; we never lean on it.
IDLE_SECONDS = 5


class Answer:
    def __init__(self, method, target, status, headers, body):
        self.method = method
        self.target = target
        self.status = status
        self.headers = headers  # http.client.HTTPMessage: names in any case
        self.body = body

    def __repr__(self):
        return f"<{self.method} {self.target} -> {self.status} {self.text[:600]}>"

    @property
    def text(self):
        return self.body.decode("utf-8", "replace")

    @functools.cached_property
    def json(self):
        return json.loads(self.body)

    @property
    def media(self):
        return (self.headers.get("Content-Type") or "").split(";")[0].strip()

    @property
    def code(self):
        """The problem's code, or None."""
        return self.json.get("code") if self.status >= 400 and self.body else None

    @property
    def pointers(self):
        return [fault["pointer"] for fault in self.json.get("errors", ())]

    def must(self, status, code=None):
        """This answer, which has to be of that status (and code)."""
        assert self.status == status, self
        assert code is None or self.code == code, self
        return self


class Client:
    def __init__(self, url, token=None, checked=True, timeout=30):
        parts = urllib.parse.urlsplit(url)
        self.host, self.port = parts.hostname, parts.port
        self.url = url
        self.token = token
        self.checked = checked
        self.timeout = timeout
        self.role, self.owner = "operator", {}  # what a token for oneself says
        self._local = threading.local()

    def with_token(self, token):
        return Client(self.url, token, self.checked, self.timeout)

    def connection(self):
        """This thread's connection, opened when there is none or it has idled too long."""
        local = self._local
        now = time.monotonic()
        if getattr(local, "connection", None) and now - local.used > IDLE_SECONDS:
            self.close()
        if getattr(local, "connection", None) is None:
            local.connection = http.client.HTTPConnection(
                self.host, self.port, timeout=self.timeout
            )
            local.used = now
            local.connection.connect()
        local.used = now
        return local.connection

    def close(self):
        connection = getattr(self._local, "connection", None)
        if connection is not None:
            connection.close()
            self._local.connection = None

    def send(self, method, target, body=None, headers=None, checked=None):
        """One request, body in octets."""
        sent = {} if self.token is None else {"Authorization": f"Bearer {self.token}"}
        sent.update(headers or {})
        connection = self.connection()
        try:
            connection.request(method, target, body=body, headers=sent)
            response = connection.getresponse()
            data = response.read()
        except BaseException:
            self.close()
            raise
        self._local.used = time.monotonic()
        if response.will_close:
            self.close()
        answer = Answer(method, target, response.status, response.headers, data)
        if self.checked if checked is None else checked:
            contract.check(answer)
        return answer

    def _json(self, method, target, value, headers, media="application/json"):
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        return self.send(method, target, body, {"Content-Type": media, **(headers or {})})

    def get(self, target, headers=None, **query):
        if query:
            target += "?" + urllib.parse.urlencode(query)
        return self.send("GET", target, headers=headers)

    def delete(self, target, headers=None):
        return self.send("DELETE", target, headers=headers)

    def post(self, target, value, headers=None):
        return self._json("POST", target, value, headers)

    def put(self, target, value, headers=None):
        return self._json("PUT", target, value, headers)

    def patch(self, target, value, headers=None, media="application/merge-patch+json"):
        return self._json("PATCH", target, value, headers, media)

    def pages(self, target, limit=200, **query):
        """Every item of a list, following the cursors to the end."""
        items, cursor = [], None
        while True:
            extra = {} if cursor is None else {"cursor": cursor}
            page = self.get(target, limit=limit, **query, **extra).must(200).json
            items += page["items"]
            cursor = page["nextCursor"]
            if cursor is None:
                return items
