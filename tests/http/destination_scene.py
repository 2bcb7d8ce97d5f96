# SPDX-License-Identifier: Apache-2.0
"""A network in which every address is ours, a server in it, and URLs that want to be connected to.

Run by destination_test.py in a network and mount namespace of its own. A listener takes connections
to whatever address, IPv4 or IPv6, and notes to which; so that nothing is connected to is counted at
the socket, whatever the URL means. Prints what happened as JSON.
"""

import collections
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading

from client import Client
from polling import eventually
from process import BINARY, Server
from tenant import Customer

# Of every range, what a name may be made to mean.
ADDRESSES = """
0.0.0.0 0.1.2.3 10.0.0.1 10.255.255.255 100.64.0.1 100.127.255.255 127.0.0.1 127.255.255.254
169.254.169.254 172.16.0.1 172.31.255.255 192.0.0.8 192.0.0.170 192.0.2.1 192.31.196.1 192.52.193.1
192.88.99.1 192.168.1.1 192.175.48.1 198.18.0.1 198.19.255.255 198.51.100.1 203.0.113.1 224.0.0.1
239.255.255.250 240.0.0.1 255.255.255.255
::1 :: ::7f00:1 ::a00:1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:0:7f00:1 64:ff9b::7f00:1
64:ff9b::a00:1 64:ff9b:1::7f00:1 100::1 100:0:0:1::1 2001::1 2001:0:4136:e378:8000:63bf:80ff:fffe
2001:2::1 2001:3::1 2001:4:112::1 2001:10::1 2001:20::1 2001:30::1 2001:db8::1 2002:7f00:1::1
2002:a00:1::1 2620:4f:8000::1 3fff::1 4000::1 5f00::1 fc00::1 fd00:ec2::254 fe80::1 fec0::1 ff02::1
""".split()

# Spellings of what must not be reached, each with our listener's port.
SPELLINGS = """
127.0.0.1 127.1 127.0.1 127.0.0.1. 2130706433 0x7f000001 0x7f.0.0.1 0x7f.1 0X7F.0x0.0x0.0x1
017700000001 0177.0.0.1 0177.1 0177.0x0.0.1 127.0.0.01 00127.0.0.1 0 0.0.0.0 0x0 00 127.65535
10.0.0.1 0xa000001 012.0.0.1 167772161 169.254.169.254 0xa9fea9fe 2852039166 0251.254.169.254
172.16.0.1 192.168.1.1 100.100.100.200 198.18.0.1 240.0.0.1 1.1.1.1.1 256.256.256.256
[::1] [::] [::ffff:127.0.0.1] [::ffff:7f00:1] [::127.0.0.1] [0:0:0:0:0:0:0:1] [0:0:0:0:0:ffff:a00:1]
[64:ff9b::127.0.0.1] [64:ff9b:1::7f00:1] [2002:7f00:1::] [2001:0:4136:e378:8000:63bf:80ff:fffe]
[fe80::1%25lo] [fe80::1%lo] [fd00:ec2::254] [fc00::1] [fec0::1] [ff02::1] [2001:db8::1] [4000::1]
localhost LOCALHOST localhost. a.localhost printer.local db.internal nas.home.arpa intranet
%31%32%37.0.0.1 127.0.0.1%2f 1.1.1.1%00.example.com example.com%23@127.0.0.1
user@127.0.0.1 user:secret@127.0.0.1 1.1.1.1@127.0.0.1 1.1.1.1:443@127.0.0.1
""".split()


def hostile(port):
    urls = [f"https://{host}:{port}/" for host in SPELLINGS]
    urls += [f"http://{host}:{port}/" for host in ("127.0.0.1", "[::1]", "0x7f.1", "example.com",
                                                   "1.1.1.1", "localhost", "169.254.169.254")]
    urls += [f"{scheme}://127.0.0.1:{port}/"
             for scheme in ("ftp", "file", "gopher", "dict", "ldap", "smtp", "telnet", "ws",
                            "HTTP")]
    urls += [f"https://127.0.0.1\\@1.1.1.1:{port}/", f"https://1.1.1.1\\@127.0.0.1:{port}/",
             f"https://1.1.1.1#@127.0.0.1:{port}/", f"https://1.1.1.1:{port}:{port}/",
             f"https:/127.0.0.1:{port}/", f"https:127.0.0.1:{port}/", f"//127.0.0.1:{port}/",
             f"https://\uff11\uff12\uff17.0.0.1:{port}/",
             f"https://\u2460\u2461\u2466.0.0.1:{port}/",
             f"https://127\u30020\u30020\u30021:{port}/", f"https://[::1]\t:{port}/",
             "https://127.0.0.1:22/", "https://example.com:25/"]
    return urls


class Listener:
    """Accepts on every address of both families and notes the one that was connected to."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_INET6)
        self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        self.socket.bind(("::", 0))
        self.socket.listen(256)
        self.port = self.socket.getsockname()[1]
        self.reached = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            connection, _ = self.socket.accept()
            self.reached.append(connection.getsockname()[0].removeprefix("::ffff:"))
            connection.close()


class Scene:
    def __init__(self):
        for command in ("ip link set lo up", "ip route add local 0.0.0.0/0 dev lo",
                        "ip -6 route add local ::/0 dev lo"):
            subprocess.run(command.split(), check=True)
        self.hosts = tempfile.NamedTemporaryFile("w", prefix="onramp-hosts-")
        os.chmod(self.hosts.name, 0o644)
        self.name(())
        subprocess.run(["mount", "--bind", self.hosts.name, "/etc/hosts"], check=True)
        self.listener = Listener()
        self.server = Server("--webhook-schedule", "0", "--webhook-timeout", "3s")
        self.server.start()
        operator = Client(self.server.url, self.server.credentials["ONRAMP_OPERATOR_TOKEN"])
        self.client = Customer(operator).client
        self.endpoints = []

    def name(self, names):
        """What names mean, from now on."""
        self.hosts.seek(0)
        self.hosts.truncate()
        lines = ["127.0.0.1 localhost", *(f"{address} {name}" for name, address in names)]
        self.hosts.write("\n".join(lines) + "\n")
        self.hosts.flush()

    def sql(self, text):
        subprocess.run([BINARY, "psql", "--state", self.server.state, "--", "-X", "-q",
                        "-v", "ON_ERROR_STOP=1", "-c", text], check=True,
                       stdout=subprocess.DEVNULL)

    def register(self, url):
        return self.client.post("/v1/webhooks", {"url": url})

    def deliver(self, urls):
        """A ping to each URL, put behind the back of the registration; what is said of each."""
        said = {}
        for start in range(0, len(urls), len(self.endpoints)):
            some = dict(zip(self.endpoints, urls[start:]))
            rows = ", ".join(f"('{endpoint}'::uuid, $url${url}$url$)"
                             for endpoint, url in some.items())
            self.sql("UPDATE onramp.webhook_endpoints w SET url = v.url FROM (VALUES "
                     f"{rows}) v(id, url) WHERE w.id = v.id")
            for endpoint, url in some.items():
                ping = self.client.send("POST", f"/v1/webhooks/{endpoint}/ping").must(202).json
                said[url] = (endpoint, ping["id"])
        return {url: self.attempt(*where) for url, where in said.items()}

    def attempt(self, endpoint, delivery):
        """What came of the one attempt."""
        return eventually(f"an attempt at {delivery} of {endpoint}", lambda: [
            attempt for item in self.client.pages(f"/v1/webhooks/{endpoint}/deliveries")
            if item["id"] == delivery for attempt in item["attempts"]])[0]

    def play(self):
        port, seen = self.listener.port, self.listener.reached
        told = {"registered": {}, "reached": collections.Counter()}
        urls = hostile(port)
        for url in urls:
            answer = self.register(url)
            told["registered"][url] = (answer.status, answer.pointers if answer.status == 422
                                       else None, answer.text)
        told["reached_by_registration"] = list(seen)

        for number in range(10):
            made = self.register(f"https://hooks{number}.example.com/").must(201).json
            self.endpoints.append(made["id"])
        told["delivered"] = self.deliver(urls)
        told["reached_by_url"] = list(seen)

        # Names that pass the registration, and mean each range when they are looked up.
        names = {f"name{number}.example.com": address for number, address in enumerate(ADDRESSES)}
        self.name(names.items())
        said = self.deliver([f"https://{name}:{port}/" for name in names])
        told["named"] = {names[url.split("/")[2].split(":")[0]]: attempt
                         for url, attempt in said.items()}
        told["reached_by_name"] = list(seen)

        # A name that means a public address when it is registered, and ours when it is used.
        self.name([("rebound.example.com", "1.1.1.1")])
        answer = self.register(f"https://rebound.example.com:{port}/")
        told["rebound_registered"] = answer.status if answer.status != 409 else 201
        self.name([("rebound.example.com", "127.0.0.1")])
        told["rebound"] = self.deliver([f"https://rebound.example.com:{port}/"])
        told["reached_by_rebinding"] = list(seen)

        # Several addresses, of which one is public: only that one may be reached.
        self.name([("mixed.example.com", address) for address in ("127.0.0.1", "9.9.9.9", "::1")])
        told["mixed"] = self.deliver([f"https://mixed.example.com:{port}/"])
        told["reached_by_mixture"] = list(seen)

        # The counter does count: what is public is connected to, for TLS that is not spoken here.
        self.name([("public.example.com", "1.1.1.1")])
        told["public"] = self.deliver([f"https://public.example.com:{port}/",
                                       f"https://1.0.0.1:{port}/",
                                       f"https://[2606:4700::1111]:{port}/"])
        told["reached_in_public"] = list(seen)
        return told

    def end(self):
        self.server.stop()
        print(self.server.log_text()[-3000:], file=sys.stderr)
        self.server.remove()
        self.hosts.close()


if __name__ == "__main__":
    scene = Scene()
    try:
        print(json.dumps(scene.play()))
    finally:
        scene.end()
