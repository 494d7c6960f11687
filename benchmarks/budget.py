"""What each notebook may take and what it took: the test suite measures, the README shows.

`pytest --store-budget` writes `results/budget.json`, from which `scripts/make_front_page.py` makes the README's
table; the suite fails where a notebook takes more than its budget by half. Seconds are those of a machine that has its
cores to itself: one that is shared takes two or three times as long, and how long is measured beside the notebook.
"""

import json
import threading
import time
from pathlib import Path

import psutil
import torch

RESULTS = Path(__file__).parent / "results" / "budget.json"
# On one thread, under the quick profile; 10 is the second half of 05, and together they have 150.
CPU_SECONDS = {"01": 60, "02": 100, "03": 150, "04": 60, "05": 150, "06": 80, "07": 300, "08": 300, "09": 300, "10": 40}
GIGABYTES = 1.0
ALLOWED = 1.5  # times the budget, since a pace is not measured to the last digit
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
    """How much longer this machine takes now than an undisturbed one, sampled until `stop`.

    Args:
        rest: seconds between two samples.
    """

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


def confine(pid: int) -> None:
    """One core and one gigabyte for a process, enforced by Linux; elsewhere, and with a GPU, nothing.

    Linux counts what is allocated, touched or not, and leaves out the code of libraries. In a kernel that has
    imported everything the two are about 0.2 GB each.
    """
    process = psutil.Process(pid)
    if not hasattr(process, "rlimit") or torch.cuda.is_available():
        return
    process.rlimit(psutil.RLIMIT_DATA, (int(GIGABYTES * 1e9),) * 2)
    process.cpu_affinity(process.cpu_affinity()[-1:])


def over_budget(costs: dict[str, dict[str, float]]) -> list[str]:
    """A sentence for every notebook that took too much; costs are undisturbed CPU seconds and gigabytes by name."""
    found = []
    for name, cost in costs.items():
        seconds = ALLOWED * CPU_SECONDS[name[:2]]
        if cost["cpu_seconds"] > seconds:
            found.append(f"{name} took {cost['cpu_seconds']:.0f} CPU seconds, at most {seconds:.0f} are allowed")
        if cost["gigabytes"] > GIGABYTES * ALLOWED:
            found.append(f"{name} took {cost['gigabytes']:.2f} GB, at most {GIGABYTES * ALLOWED:.1f} are allowed")
    return found


def store(costs: dict[str, dict[str, float]]) -> None:
    """Write what these notebooks took; what others took stays."""
    before = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    RESULTS.write_text(json.dumps(dict(sorted((before | costs).items())), indent=1) + "\n", encoding="utf-8")
