# SPDX-License-Identifier: Apache-2.0
"""simulate-partner and a server that is not what it should be: each answer is the test's own."""

import base64
import contextlib
import email.utils
import http.server
import json
import subprocess
import threading
import time
import uuid

import pytest

from place import BINARY, environment

SECRET = "whsec_" + base64.b64encode(b"0123456789abcdef0123456789abcdef").decode()
CIRCUIT = {"id": str(uuid.uuid4()), "providerStatus": "NotProvisioned"}
APPLIED = {"applied": True, "reason": "applied", "circuit": CIRCUIT}


@contextlib.contextmanager
def serving(answer):
    """A server whose answer(path, headers, body) is (status, headers, body), or None: no answer."""
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def reply(self):
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            said = answer(self.path, self.headers, body)
            if said is None:
                self.close_connection = True
                return
            status, headers, content = said
            self.send_response_only(status)
            for name, value in {"Content-Length": str(len(content)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = reply

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def play(url, *words, keys=1):
    text = "".join(f"{uuid.uuid4()}\n" for _ in range(keys))
    return subprocess.run(
        [BINARY, "simulate-partner", "--keys", "-", "--until-idle", "--delay", "0", "--json",
         "--url", url, *words],
        input=text, text=True, capture_output=True, timeout=60, check=False, cwd="/",
        env=environment(ONRAMP_PARTNER="equinix", ONRAMP_PARTNER_TOKEN="onrp_x",
                        ONRAMP_PARTNER_SECRET=SECRET))


def ok(value):
    return 200, {"Content-Type": "application/json"}, json.dumps(value).encode()


def orderly(path, callback):
    """What a server says to a quote, to the feed, and (callback) to the rest."""
    if path == "/v1/partner/circuits":
        return ok(CIRCUIT)
    if path.startswith("/v1/events"):
        return ok({"items": [], "nextCursor": "x"})
    assert path == "/v1/partners/equinix/callbacks"
    return callback()


@pytest.mark.parametrize("seconds, said", [(3600, "behind"), (-3600, "ahead of")])
def test_a_wrong_clock_is_told_by_the_date_of_the_answer(seconds, said):
    date = {"Date": email.utils.formatdate(time.time() + seconds, usegmt=True)}
    with serving(lambda path, *_: orderly(path, lambda: (401, date, b"{}"))) as url:
        done = play(url)
    assert done.returncode == 1
    assert "was answered 401" in done.stderr and f"s {said} the server's" in done.stderr


@pytest.mark.parametrize("callback", [
    (200, {}, b"not json"), (200, {}, b""), (200, {}, b"[1]"), (204, {}, b""),
    (200, {}, b'{"reason": 7}'), (302, {"Location": "/elsewhere"}, b""), (400, {}, b"{}"),
    (200, {}, b'{"applied": true, "reason": "perhaps"}'),
])
def test_an_answer_that_says_nothing_is_no_success(callback):
    with serving(lambda path, *_: orderly(path, lambda: callback)) as url:
        done = play(url)
    assert done.returncode == 1
    assert f"circuit.provisioning was answered {callback[0]}" in done.stderr
    assert json.loads(done.stdout)["circuits"]["failed"] == 1


def test_what_is_lost_or_too_much_is_asked_again_and_given_up_in_the_end():
    asked = []

    def answer(path, headers, body):
        asked.append(path)
        return None if len(asked) % 2 else (200, {}, b"x" * (2 << 20))

    with serving(answer) as url:
        done = play(url, "--patience", "1s")
    assert done.returncode == 1
    assert "given up after" in done.stderr
    assert json.loads(done.stdout)["answers"]["retries"] >= 2


def test_a_retry_is_the_same_callback_signed_anew():
    seen = []

    def callback(headers, body):
        seen.append((headers["webhook-id"], body, headers["webhook-timestamp"]))
        if len(seen) == 1:
            return 503, {"Retry-After": "2"}, b"{}"
        return ok({**APPLIED, "circuit": {**CIRCUIT, "providerStatus": "Provisioned"}})

    with serving(lambda path, headers, body:
                 orderly(path, lambda: callback(headers, body))) as url:
        began = time.monotonic()
        done = play(url)
    assert done.returncode == 0, done.stderr
    assert time.monotonic() - began >= 2
    assert seen[0][:2] == seen[1][:2]
    assert int(seen[1][2]) >= int(seen[0][2]) + 1
    assert len({message for message, _, _ in seen}) == 3


def test_one_who_is_told_to_wait_does_not_come_with_another_order():
    times = []

    def answer(path, headers, body):
        if path != "/v1/partner/circuits":
            return orderly(path, lambda: (404, {}, b"{}"))
        times.append(time.monotonic())
        return (429, {"Retry-After": "2"}, b"{}") if len(times) == 1 else (404, {}, b"{}")

    with serving(answer) as url:
        done = play(url, "--parallel", "1", keys=10)
    assert done.returncode == 1
    assert len(times) == 11
    assert times[1] - times[0] >= 1.9


def test_a_feed_that_does_not_wait_is_not_asked_all_the_time():
    feed = []

    def answer(path, headers, body):
        if path.startswith("/v1/events"):
            feed.append(path)
            if len(feed) == 2:
                return 410, {}, b'{"code": "cursor_expired"}'
        return orderly(path, lambda: ok(APPLIED))

    with serving(answer) as url:
        play(url, "--for", "5s", "--delay", "1h")
    assert 3 <= len(feed) <= 6
    assert "after=" not in feed[0] and "after=x" in feed[1] and "after=" not in feed[2]
