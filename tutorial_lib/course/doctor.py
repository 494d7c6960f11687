"""What a reader's machine has, beside what the course needs, and the way out where that will not do."""

import platform
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from tempfile import TemporaryFile

import psutil
import torch
from jupyter_core import paths
from packaging.requirements import Requirement

from tutorial_lib.plotting.viewer import extension_matches, extension_version

PIP = 'pip install -c constraints.txt "{}"'
MEMORY = 1.5e9  # bytes: the largest notebook, JupyterLab and a browser's page


def findings(folder: Path) -> Iterator[tuple[str, str, str]]:
    """What was looked at, what was found, and what to do, which is empty where all is well.

    `folder` holds the reader's copies. A notebook may be slow without a GPU, but none needs one.
    """
    yield "Python", platform.python_version(), ""  # pip refuses others
    for package in map(Requirement, requires("tutorial-lib") or ()):
        if not package.marker:
            yield package.name, *_installed(package)
    fits = extension_matches()
    found = f"{extension_version()}{', the one that it asks for' if fits else ''}"
    yield "nglview's extension", found, "" if fits else PIP.format("nglview")
    yield "PyTorch", f"{torch.get_num_threads()} threads, {torch.cuda.device_count()} CUDA GPUs", ""
    free = psutil.virtual_memory().available
    yield (
        "free memory",
        f"{free / 1e9:.1f} GB",
        "" if free >= MEMORY else f"close programs: {MEMORY / 1e9:g} GB are needed",
    )
    for place in (folder, paths.jupyter_config_dir(), paths.jupyter_runtime_dir()):
        yield f"files in {place}", *_written(Path(place))


def _installed(package: Requirement) -> tuple[str, str]:
    try:
        found = version(package.name)
    except PackageNotFoundError:
        found = "not installed"
    fits = found[0].isdigit() and package.specifier.contains(found, prereleases=True)
    return found, "" if fits else PIP.format(package)


def _written(place: Path) -> tuple[str, str]:
    try:
        place.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=place):
            return "can be written", ""
    except OSError as problem:
        return str(problem), "make it writable, or name another folder as `jupyter --paths` says"
