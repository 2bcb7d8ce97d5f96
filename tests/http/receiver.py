# SPDX-License-Identifier: Apache-2.0
"""An HTTP endpoint on 127.0.0.1 that a webhook is sent to, in this process."""

import collections
import http.server
import ssl
import threading
import time

Request = collections.namedtuple("Request", "headers body at path")


class Receiver:
    """Answers each request with what `answer` gives for it: a status, (status, headers, body), or
    None: nothing, until the receiver ends. Keeps what came, and how much came at once."""

    def __init__(self, answer=200, tls=None):
        self.answer = answer if callable(answer) else lambda request: answer
        self.requests, self.now, self.most = [], 0, 0
        self.changed = threading.Condition()
        self.ending = threading.Event()
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.server.daemon_threads = True
        self.scheme = "https" if tls else "http"
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*tls)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True,
                                                     do_handshake_on_connect=False)
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def url(self, path="/in", host="127.0.0.1"):
        return f"{self.scheme}://{host}:{self.server.server_port}{path}"

    def wait(self, count, seconds=20):
        """The first so many requests."""
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.requests) >= count, seconds), \
                f"{len(self.requests)} of {count} requests"
            return self.requests[:count]

    def end(self):
        self.ending.set()
        self.server.shutdown()
        self.server.server_close()

    def __enter__(self):
        return self

    def __exit__(self, *ignored):
        self.end()

    def _take(self, request):
        with self.changed:
            self.requests.append(request)
            self.now += 1
            self.most = max(self.most, self.now)
            self.changed.notify_all()
        given = self.answer(request)
        if given is None:
            self.ending.wait()
            return None
        with self.changed:
            self.now -= 1
        return given if isinstance(given, tuple) else (given, {}, b"")

    def _handler(receiver):
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                given = receiver._take(Request(self.headers, body, time.time(), self.path))
                if given is None:
                    self.close_connection = True
                    return
                status, headers, answer = given
                self.send_response(status)
                for name, value in {"Content-Length": str(len(answer)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(answer)

            def handle(self):
                try:
                    super().handle()
                except OSError:
                    pass

            def log_message(self, *ignored):
                pass

        return Handler
