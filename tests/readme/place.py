# SPDX-License-Identifier: Apache-2.0
"""A directory in which the commands of a page are run."""
import os
import pathlib
import shutil
import subprocess
import tempfile

from page import HOUSE


class Place:
    """An empty directory but for `onramp`, which keeps its state there and takes any free port."""

    def __init__(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="onramp-page-"))
        os.chmod(self.directory, 0o755)
        program = os.environ.get("ONRAMPD", str(HOUSE / "build/release/onrampd"))
        (self.directory / "onramp").symlink_to(program)
        kept = {name: value for name, value in os.environ.items()
                if not name.startswith(("ONRAMP_", "PG", "XDG_"))}
        self.environment = {**kept, "HOME": str(self.directory), "ONRAMP_PORT": "0",
                            "ONRAMP_STATE": str(self.directory / "state")}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        subprocess.run([self.directory / "onramp", "down"], env=self.environment, timeout=60,
                       stdout=subprocess.DEVNULL, check=False)
        shutil.rmtree(self.directory)

    def run(self, *command):
        """Run a command there; its two outputs are one."""
        return subprocess.run(command, cwd=self.directory, env=self.environment, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=150,
                              check=False)
