# SPDX-License-Identifier: Apache-2.0
"""A fixed piece of work for the processor and for the disk: how steady the machine is."""

import hashlib
import os
import statistics
import time


class Calibration:
    def __init__(self, directory):
        self.path = os.path.join(directory, "sync")
        self.processor_ms, self.sync_ms = [], []

    def take(self):
        data = b"x" * (1 << 20)
        start = time.perf_counter()
        for _ in range(64):
            hashlib.sha256(data).digest()
        self.processor_ms.append((time.perf_counter() - start) * 1000)
        descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT, 0o600)
        start = time.perf_counter()
        for _ in range(20):
            os.pwrite(descriptor, data[:8192], 0)
            os.fdatasync(descriptor)
        self.sync_ms.append((time.perf_counter() - start) * 1000 / 20)
        os.close(descriptor)

    def figures(self):
        return {"processor_ms": self.processor_ms, "sync_ms": self.sync_ms}


def calibration_sentence(figures):
    processor, sync = figures["processor_ms"], figures["sync_ms"]
    return (f"Calibration, {len(processor)} times: 64 MB SHA-256"
            f" {statistics.median(processor):.0f} ms ({min(processor):.0f}-{max(processor):.0f}),"
            f" 8 kB fdatasync {statistics.median(sync):.2f} ms ({min(sync):.2f}-{max(sync):.2f}).")
