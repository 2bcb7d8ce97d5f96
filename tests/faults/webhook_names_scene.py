# SPDX-License-Identifier: Apache-2.0
"""A resolver that is asked and keeps silent for 90 s, and how long a ping to another endpoint takes
meanwhile. Run by webhooks_test.py in a network and mount namespace of its own; prints JSON.
"""

import json
import pathlib
import socket
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "http"))

from client import Client  # noqa: E402
from process import Server  # noqa: E402
from receiver import Receiver  # noqa: E402
from tenant import Customer  # noqa: E402

PINGS = 6


def resolver():
    """Takes questions on the port of the DNS and counts them."""
    asked = []
    listening = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    listening.bind(("127.0.0.1", 53))

    def listen():
        while True:
            asked.append(listening.recv(4096))

    threading.Thread(target=listen, daemon=True).start()
    return asked


def main():
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    with tempfile.NamedTemporaryFile("w", prefix="onramp-resolv-") as file:
        file.write("nameserver 127.0.0.1\noptions timeout:30 attempts:3\n")
        file.flush()
        pathlib.Path(file.name).chmod(0o644)
        subprocess.run(["mount", "--bind", file.name, "/etc/resolv.conf"], check=True)
        asked = resolver()
        server = Server("--webhook-allow-cidr", "127.0.0.1", "--webhook-timeout", "2100ms",
                        "--webhook-schedule", "0" + ",50ms" * 20)
        try:
            server.start()
            operator = Client(server.url, server.credentials["ONRAMP_OPERATOR_TOKEN"])
            client = Customer(operator).client
            with Receiver() as receiver:
                ids = [client.post("/v1/webhooks", {"url": url}).must(201).json["id"]
                       for url in ("https://silent.example.com/", receiver.url())]
                client.send("POST", f"/v1/webhooks/{ids[0]}/ping").must(202)
                late = []
                for number in range(PINGS):
                    began = time.time()
                    client.send("POST", f"/v1/webhooks/{ids[1]}/ping").must(202)
                    late.append(receiver.wait(number + 1, seconds=100)[-1].at - began)
                    time.sleep(0.5)  # what is measured is one ping by itself
                [item] = client.pages(f"/v1/webhooks/{ids[0]}/deliveries")
                errors = [attempt["error"] for attempt in item["attempts"]]
        finally:
            server.remove()
    print(json.dumps({"asked": len(asked), "late": late, "errors": errors}))


main()
