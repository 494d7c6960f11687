"""How the whole suite runs: no network, notebooks compared with care, and what each of them takes.

What differs between two machines that agree is not compared. Every notebook's kernel is watched while
nbval runs it, confined to one core and the memory of a public service, and the run fails where one takes
more than its budget by half.
"""

import importlib.util
import os
from pathlib import Path

from benchmarks import budget
from tutorial_lib import training
from tutorial_lib.__main__ import KernelMeter

NO_NETWORK = Path(__file__).parent / "tests" / "no_network"
METERS: dict[str, KernelMeter] = {}
PACES: dict[str, budget.Pace] = {}


def pytest_addoption(parser):
    """Add our one option."""
    parser.addoption("--store-budget", action="store_true", help="write what the notebooks took, if all goes well")


def pytest_configure(config):
    """Turn the network off, here and in every Python that we start; options of CI's are for this run alone."""
    os.environ.pop("PYTEST_ADDOPTS", None)
    paths = [str(NO_NETWORK), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    os.environ["PYTHONPATH"] = os.pathsep.join(path for path in paths if path)
    spec = importlib.util.spec_from_file_location("no_network", NO_NETWORK / "sitecustomize.py")
    spec.loader.exec_module(importlib.util.module_from_spec(spec))


def pytest_collectstart(collector):
    """Leave progress bars and HTML twins out of the comparison, and watch the kernel."""
    if not hasattr(collector, "skip_compare"):
        return
    collector.skip_compare += ("stderr", "text/html", "application/javascript")
    start = collector.setup

    def setup():
        start()
        pid = collector.kernel.km.provisioner.pid
        budget.confine(pid)
        METERS[collector.path.stem] = KernelMeter(pid)
        PACES[collector.path.stem] = budget.Pace()

    collector.setup = setup
    end = collector.teardown

    def teardown():
        PACES[collector.path.stem].stop()
        end()

    collector.teardown = teardown


def _costs():
    return {
        name: {
            "cpu_seconds": round(meter.cpu_seconds / PACES[name].stop(), 1),
            "gigabytes": round(meter.peak_bytes / 1e9, 2),
        }
        for name, meter in sorted(METERS.items())
        if name[:2] in budget.CPU_SECONDS and not name.endswith("_solutions")
    }


def pytest_sessionfinish(session, exitstatus):
    """Fail where a notebook took too much; what a run that failed, or another profile, took says nothing."""
    if exitstatus or training.profile() != "quick":
        return
    if budget.over_budget(_costs()):
        session.exitstatus = 1
    if session.config.getoption("store_budget"):
        budget.store(_costs())


def pytest_terminal_summary(terminalreporter):
    """Say what each notebook took."""
    costs = _costs()
    if costs:
        terminalreporter.section("notebooks")
    for name, cost in costs.items():
        terminalreporter.line(
            f"{name}: {cost['cpu_seconds']:.0f} of {budget.CPU_SECONDS[name[:2]]} undisturbed CPU seconds, "
            f"{METERS[name].cpu_seconds:.0f} on this machine; {cost['gigabytes']:.2f} of {budget.GIGABYTES:g} GB"
        )
    for sentence in budget.over_budget(costs):
        terminalreporter.line(f"over budget: {sentence}", red=True)
