# SPDX-License-Identifier: Apache-2.0
"""The programs that are measured and that measure, from the release build."""

import os
import pathlib

from processes import command, say

ROOT = pathlib.Path(__file__).resolve().parents[1]
BUILD = ROOT / "build" / "release"


def binaries(*targets):
    """Their paths. The environment may name ones that are built already: ONRAMP_LOAD=path."""
    named = {target: os.environ.get(target.upper()) for target in targets}
    lacking = [target for target, path in named.items() if not path]
    if lacking:
        say("building ...")
        if not (BUILD / "build.ninja").exists():
            command(["cmake", "--preset", "release"], cwd=ROOT)
        command(["cmake", "--build", BUILD, "--target", *lacking], timeout=900)
    return [named[target] or str(BUILD / target) for target in targets]
