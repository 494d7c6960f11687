"""What each notebook may take in CPU seconds and memory, and the pace of the machine that measures it.

Seconds are those of a machine that has its cores to itself: one that is shared takes two or three times as long, and
how long is measured beside the notebook.
"""

import threading
import time

import torch

# On one thread, under the quick profile.
CPU_SECONDS = {
    "00": 60,
    "01": 60,
    "02": 100,
    "03": 150,
    "04": 60,
    "05": 90,
    "06": 80,
    "07": 300,
    "08": 300,
    "09": 300,
    "10": 40,
    "11": 120,
    "12": 240,
}
GIGABYTES = 1.0
UNDISTURBED = 0.13  # CPU seconds of `fixed_work` on a core at 2.5 GHz whose caches nobody else was using


def fixed_work() -> None:
    """What notebooks do most, always the same: products of matrices, small operations, plain Python."""
    x = weights = torch.full((256, 256), 1 / 256)
    for _ in range(200):
        x = (x @ weights).tanh()
    few = torch.ones(8)
    for _ in range(20_000):
        few = few * 1.0
    sum(n * n for n in range(500_000))


class Pace(threading.Thread):
    """How much longer this machine takes now than an undisturbed one, sampled every `rest` seconds until `stop`."""

    def __init__(self, rest: float = 8.0):
        super().__init__(daemon=True)
        self.rest, self.samples, self.stopped = rest, [], threading.Event()
        self.start()

    def run(self) -> None:
        """Measure, rest, measure again."""
        while not self.stopped.is_set():
            start = time.thread_time()
            fixed_work()
            self.samples.append((time.thread_time() - start) / UNDISTURBED)
            self.stopped.wait(self.rest)

    def stop(self) -> float:
        """The mean of the samples, at least 1."""
        self.stopped.set()
        self.join()
        return max(1.0, sum(self.samples) / len(self.samples))
