"""How the suite runs: two lanes, some workers, no network, and notebooks compared with care.

`python -m pytest` runs the library's tests, its docstrings' examples, the exercises and notebooks 01 to 06;
`--extensions` adds the other notebooks, `-m slow` takes what needs a browser, a server, several processes or many
minutes. A notebook's kernel has the memory of a public service, and may not have more.
"""

import datetime
import importlib.util
import os
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before anything imports torch: workers side by side share the cores

import psutil
import pytest

NO_NETWORK = Path(__file__).parent / "tests" / "no_network"
COURSE = ("00", "01", "02", "03", "04", "05", "06")
KERNEL_BYTES = 10**9
WORKER_BYTES = 1.5e9  # a worker with its imports, and the kernel of the notebook that it runs


def pytest_addoption(parser):
    """Add our one option."""
    parser.addoption("--extensions", action="store_true", help="also run the notebooks after 06, and their solutions")


def pytest_configure(config):
    """Turn the network off, here and in every Python that we start; options of CI's are for this run alone."""
    starts_workers = config.getoption("numprocesses") and not hasattr(config, "workerinput")
    if not starts_workers:  # workers read the options of the environment for themselves
        os.environ.pop("PYTEST_ADDOPTS", None)
    os.environ.setdefault("FUZZ_SEED", f"{datetime.date.today():%Y%m%d}")
    paths = [str(NO_NETWORK), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    os.environ["PYTHONPATH"] = os.pathsep.join(path for path in dict.fromkeys(paths) if path)
    spec = importlib.util.spec_from_file_location("no_network", NO_NETWORK / "sitecustomize.py")
    spec.loader.exec_module(importlib.util.module_from_spec(spec))


def pytest_report_header():
    """Say what repeats a night's random sample."""
    return f"FUZZ_SEED={os.environ['FUZZ_SEED']}"


def pytest_xdist_auto_num_workers(config):
    """As many workers as cores and memory bear, four at most; none for a single file, whose tests run in one anyway."""
    named = {word.partition("::")[0] for word in config.args}
    if len(named) == 1 and Path(*named).is_file():
        return 0
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return max(1, min(4, cores, int(psutil.virtual_memory().available / WORKER_BYTES)))


def pytest_ignore_collect(collection_path, config):
    """Leave the extensions' notebooks out, unless they are asked for or named."""
    extension = collection_path.suffix == ".ipynb" and not collection_path.name.startswith(COURSE)
    return True if extension and not config.getoption("extensions") else None  # None: others may decide


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    """Begin with the notebooks, which take longest, so that no worker is left with one at the end."""
    items.sort(key=lambda item: item.path.suffix != ".ipynb")


def confine(pid):
    """A gigabyte for a kernel, enforced by Linux; elsewhere, and with a GPU, nothing.

    Linux counts what is allocated, touched or not, and leaves out the code of libraries. In a kernel that has
    imported everything the two are about 0.2 GB each.
    """
    import torch

    process = psutil.Process(pid)
    if hasattr(process, "rlimit") and not torch.cuda.is_available():
        process.rlimit(psutil.RLIMIT_DATA, (KERNEL_BYTES,) * 2)


def pytest_collectstart(collector):
    """Leave progress bars and HTML twins out of the comparison, and confine the kernel."""
    if not hasattr(collector, "skip_compare"):
        return
    collector.skip_compare += ("stderr", "text/html", "application/javascript")
    start = collector.setup

    def setup():
        start()
        confine(collector.kernel.km.provisioner.pid)

    collector.setup = setup
