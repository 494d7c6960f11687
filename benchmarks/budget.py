"""What each notebook may take and what it took: the test suite measures, the README shows.

`pytest --store-budget` writes `results/budget.json`, from which `scripts/make_front_page.py` makes the README's
table; the suite fails where a notebook takes more than its budget by half.
"""

import json
from pathlib import Path

import psutil
import torch

RESULTS = Path(__file__).parent / "results" / "budget.json"
# On one thread, under the quick profile; 10 is the second half of 05, and together they have 150.
CPU_SECONDS = {"01": 60, "02": 100, "03": 150, "04": 60, "05": 150, "06": 80, "07": 300, "08": 300, "09": 300, "10": 40}
GIGABYTES = 1.0
ALLOWED = 1.5  # times the budget, for a busy machine


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
    """A sentence for every notebook that took too much; costs are CPU seconds and gigabytes by name."""
    found = []
    for name, cost in costs.items():
        seconds = ALLOWED * CPU_SECONDS[name[:2]]
        if cost["cpu_seconds"] > seconds:
            found.append(f"{name} took {cost['cpu_seconds']:.0f} CPU seconds, at most {seconds:.0f} are allowed")
        if cost["gigabytes"] > GIGABYTES * ALLOWED:
            found.append(f"{name} took {cost['gigabytes']:.2f} GB, at most {GIGABYTES * ALLOWED:.1f} are allowed")
    return found


def store(costs: dict[str, dict[str, float]]) -> None:
    """Write what the notebooks took."""
    RESULTS.write_text(json.dumps(costs, indent=1) + "\n")
