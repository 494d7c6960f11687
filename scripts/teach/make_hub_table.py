"""What a JupyterHub needs for 10, 100 and 1,000 students, computed from what was measured.

python scripts/teach/make_hub_table.py              write the table into docs/teaching/jupyterhub.md
python scripts/teach/make_hub_table.py measure      measure a server, a clone, an environment, four notebooks at once

Everything that is assumed stands in `ASSUMED`, and on the page.
"""

import argparse
import json
import math
import os
import secrets
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import numpy as np

TOP = Path(__file__).parent.parent.parent
sys.path.insert(0, str(TOP))

from benchmarks.harness.table import stored  # noqa: E402
from scripts.publish.make_front_page import with_blocks  # noqa: E402

PAGE = TOP / "docs" / "teaching" / "jupyterhub.md"
MEASURED = TOP / "benchmarks" / "results" / "hub.json"
STUDENTS = (10, 100, 1000)
LESSONS = ("01", "02", "03", "04", "05", "06")
ASSUMED = {
    "slower": 2,  # times: what a class bears with
    "starts within": 60,  # seconds, of the class in which all run the same cell
    "runs": 3,  # of a whole notebook, for homework
    "evening": 4,  # hours: the last before homework is due
    "share of that evening": 0.5,  # of the class
    "hours at work": 2,
    "hours until culled": 1,  # as in jupyterhub_config.py
    "system": 2,  # GB: the hub, its proxy and the machine itself
    "home": 0.5,  # GB
}
MACHINE = {"cores": 64, "memory": 256}  # the largest that we call one machine
NODE = {"cores": 16, "memory": 64}  # of a cluster
PROMISED = {"cores": 0.4, "memory": 1.05}  # to a student, as in jupyterhub_values.yaml


def needs(costs: dict[str, dict], measured: dict) -> dict:
    """What one student needs, from the measurements.

    Args:
        costs: CPU seconds and gigabytes by notebook, and in `seconds` the CPU seconds of each cell.
        measured: what `measure` returns.

    Returns:
        `memory` of one open notebook with its server, GB; `cell` and `notebook`, the longest of 01 to 06, seconds.
    """
    taught = [name for name in costs if name.startswith(LESSONS)]
    return {
        "memory": max(cost["gigabytes"] for cost in costs.values()) + measured["server_gigabytes"],
        "cell": max(max(costs[name]["seconds"].values()) for name in taught),
        "notebook": max(costs[name]["cpu_seconds"] for name in taught),
    }


def slowest(students: int, cores: int, seconds: float, within: float) -> float:
    """How many times longer than alone the unluckiest waits, when a class runs one cell on shared cores.

    Starts are spread evenly over a time, and cores are shared evenly among those who wait, one core a student at most.
    """
    starts, left = np.linspace(0, within, students), np.full(students, float(seconds))
    ends, now, step = np.zeros(students), 0.0, seconds / 400
    while (left > 0).any():
        at_work = (starts <= now) & (left > 0)
        now += step
        if at_work.any():
            left[at_work] -= step * min(1, cores / at_work.sum())
            ends[at_work & (left <= 0)] = now
    return float(((ends - starts) / seconds).max())


def class_cores(students: int, seconds: float, within: float = ASSUMED["starts within"]) -> int:
    """The fewest cores with which nobody in a class waits too long, all starting within some seconds."""
    low, high = 1, students
    while low < high:
        middle = (low + high) // 2
        if slowest(students, middle, seconds, within) <= ASSUMED["slower"] + 0.01:
            high = middle
        else:
            low = middle + 1
    return low


def in_class(students: int, need: dict) -> dict[str, int]:
    """Students present, and the cores they need, when all run the longest cell within a minute."""
    return {"present": students, "cores": class_cores(students, need["cell"])}


def at_home(students: int, need: dict) -> dict[str, int]:
    """The same on the last evening before homework is due: a mean, and three standard deviations for bad luck."""
    coming, hours = students * ASSUMED["share of that evening"], ASSUMED["evening"]
    present = coming * min(1, (ASSUMED["hours at work"] + ASSUMED["hours until culled"]) / hours)
    busy = coming * ASSUMED["runs"] * need["notebook"] / (3600 * hours)
    present, busy = (mean + 3 * math.sqrt(mean) for mean in (present, busy))
    return {
        "present": min(students, math.ceil(present)),
        "cores": max(1, math.ceil(min(present, busy) / ASSUMED["slower"])),
    }


def memory(present: int, need: dict) -> int:
    """Gigabytes for so many open notebooks."""
    return math.ceil(ASSUMED["system"] + present * need["memory"])


def seats() -> int:
    """The students on a node: Kubernetes fills it by what they are promised, whatever they use."""
    return int(min(NODE["cores"] / PROMISED["cores"], (NODE["memory"] - ASSUMED["system"]) / PROMISED["memory"]))


def carrier(present: int, cores: int, gigabytes: int) -> str:
    """What carries it: one machine while there is one, then so many nodes of a cluster."""
    if cores <= MACHINE["cores"] and gigabytes <= MACHINE["memory"]:
        return "one machine"
    return f"Kubernetes, {math.ceil(present / seats())} nodes"


def largest_class(need: dict) -> int:
    """The most students whom one machine carries in class."""
    low, high = 1, int((MACHINE["memory"] - ASSUMED["system"]) / need["memory"])
    while low < high:
        middle = (low + high + 1) // 2
        if class_cores(middle, need["cell"]) <= MACHINE["cores"]:
            low = middle
        else:
            high = middle - 1
    return low


def table(need: dict, measured: dict) -> str:
    """The page's table and the sentence below it, in Markdown."""
    rows = [
        "| students | when | at once | memory (GB) | cores | disk (GB) | carried by |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for students in STUDENTS:
        disk = math.ceil(measured["environment_gigabytes"] + students * ASSUMED["home"])
        for when, pattern in (("in class", in_class), ("homework", at_home)):
            found = pattern(students, need)
            gigabytes = memory(found["present"], need)
            rows.append(
                f"| {students:,} | {when} | {found['present']:,} | {gigabytes:,} | {found['cores']:,} | {disk:,} | "
                f"{carrier(found['present'], found['cores'], gigabytes)} |"
            )
    most = largest_class(need)
    return "\n".join(rows) + (
        f"\n\nA student with one notebook open has {need['memory']:.2f} GB: {measured['server_gigabytes']:.2f} of them"
        " are the server's, the rest is the largest notebook's. The longest cell of 01 to 06 computes for"
        f" {need['cell']:.0f} s, and the longest of these notebooks for {need['notebook']:.0f} s, on one core."
        f" One machine of {MACHINE['cores']} cores and {MACHINE['memory']} GB carries a class of {most}."
        f" They need {class_cores(most, need['cell'])} of the cores and {memory(most, need)} GB."
        f" A class of 100 who start it over five minutes need {class_cores(100, need['cell'], 300)} cores,"
        f" and {class_cores(100, 20)} if it computed for 20 s and they started within the minute."
        f" A node has {NODE['cores']} cores and {NODE['memory']} GB, and seats for {seats()}."
    )


def threads(measured: dict) -> str:
    """What one thread each gained where it was measured, as a sentence."""
    own, one = measured["four_at_once"]["all"], measured["four_at_once"]["one"]
    slower, dearer = (own[key] / one[key] for key in ("seconds", "cpu_seconds"))
    return (
        f"Four runs of notebook 04 at once on {measured['cores']} cores took {own['seconds']:.0f} s with as many"
        f" threads as PyTorch likes, and {one['seconds']:.0f} s with one each: {slower:.1f} times as long, for"
        f" {dearer:.1f} times the CPU seconds. These are medians of {measured['repeats']}, on a machine that had other"
        " work to do as well."
    )


def blocks() -> dict[str, str]:
    """All that is generated in the page, by the names of its blocks."""
    measured = json.loads(MEASURED.read_text(encoding="utf-8"))
    need = needs(stored("notebooks"), measured)
    return {"table": table(need, measured), "threads": threads(measured)}


def server_gigabytes() -> float:
    """Resident memory of a JupyterLab server, its kernel left out, after a notebook was opened in it."""
    import psutil

    token, port = secrets.token_hex(16), 18888
    options = [f"--ServerApp.root_dir={TOP}", f"--ServerApp.port={port}", f"--IdentityProvider.token={token}"]
    options.append("--ServerApp.port_retries=0")
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ServerApp.ip=127.0.0.1", *options]
    book = "notebooks/01_invariance.ipynb"
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as server:  # noqa: S603 - our own words
        try:
            wanted = ["lab", "lab/api/settings", f"api/contents/{book}", "api/sessions"]
            body = json.dumps({"path": book, "type": "notebook", "name": "", "kernel": {"name": "python3"}}).encode()
            for path, data in [*((path, None) for path in wanted), ("api/sessions", body)]:
                headers = {"Authorization": f"token {token}", "Content-Type": "application/json"}
                request = urllib.request.Request(f"http://127.0.0.1:{port}/{path}", data=data, headers=headers)
                for _ in range(60):
                    if server.poll() is not None:
                        sys.exit(f"the server ended: is port {port} taken?")
                    try:
                        urllib.request.urlopen(request, timeout=30).read()  # noqa: S310 - http on loopback, above
                        break
                    except ConnectionError:
                        time.sleep(1)
                    except urllib.error.URLError as error:
                        if not isinstance(error.reason, ConnectionError):
                            raise
                        time.sleep(1)
                else:
                    sys.exit("the server does not answer")
            time.sleep(5)
            return psutil.Process(server.pid).memory_info().rss / 1e9
        finally:
            server.terminate()


def at_once(copies: int, number: str, one_thread: bool) -> dict[str, float]:
    """Seconds and CPU seconds until all copies of a notebook that start together are done."""
    import resource

    env = {name: value for name, value in os.environ.items() if not name.endswith("_NUM_THREADS")}
    env |= {"OMP_NUM_THREADS": "1"} if one_thread else {}
    command = [sys.executable, "-m", "tutorial_lib", "run", number]
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    running = [
        subprocess.Popen(  # noqa: S603 - our own words and a number of a notebook
            command, cwd=TOP, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        for _ in range(copies)
    ]
    if sum(process.wait() != 0 for process in running):
        sys.exit(f"a run of notebook {number} failed")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"seconds": time.monotonic() - start, "cpu_seconds": used}


def size(folder: Path) -> float:
    """Gigabytes of a folder."""
    return sum(path.lstat().st_size for path in folder.rglob("*")) / 1e9


def measure(repeats: int) -> dict:
    """Everything in `hub.json`."""
    with tempfile.TemporaryDirectory() as folder:
        git = ["git", "clone", "--quiet", "--depth", "1", TOP.as_uri(), f"{folder}/course"]
        subprocess.run(git, check=True)  # noqa: S603 - our own words
        clone = size(Path(folder) / "course")
    found = {"one": [], "all": []}
    for _ in range(repeats):  # in turn, so that whatever else the machine does meets both
        for name, runs in found.items():
            runs.append(at_once(4, "04", name == "one"))
    middle = {
        name: {key: round(float(np.median([run[key] for run in runs])), 1) for key in runs[0]}
        for name, runs in found.items()
    }
    return {
        "command": "python scripts/teach/make_hub_table.py measure",
        "server_gigabytes": round(server_gigabytes(), 3),
        "clone_gigabytes": round(clone, 3),
        "environment_gigabytes": round(size(Path(sys.prefix)), 1),
        "cores": len(os.sched_getaffinity(0)),
        "repeats": repeats,
        "four_at_once": middle,
    }


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", nargs="?", choices=["write", "measure"], default="write")
    parser.add_argument("--repeats", type=int, default=3, help="of four notebooks at once (default: 3)")
    args = parser.parse_args()
    if args.command == "measure":
        MEASURED.write_text(json.dumps(measure(args.repeats), indent=1) + "\n", encoding="utf-8")
    else:
        PAGE.write_text(with_blocks(PAGE.read_text(encoding="utf-8"), blocks()), encoding="utf-8")


if __name__ == "__main__":
    main()
