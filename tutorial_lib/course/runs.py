"""Notebooks run from top to bottom, each in a kernel of its own, with what it took."""

import os
import re
import sys
import threading
import time
from base64 import b64decode, b64encode
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import nbformat
import psutil
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from tqdm import tqdm

DOOR = "00"
NOTEBOOKS = Path(__file__).parent.parent.parent / "notebooks"
CAPTION = "*Figure: "
# A kernel of ours draws into the page, with matplotlib's own settings: a user's may ask for a LaTeX that is not there.
DRAWING = {
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    "MATPLOTLIBRC": str(Path(find_spec("matplotlib").origin).parent / "mpl-data" / "matplotlibrc"),
}
WIDGET = "application/vnd.jupyter.widget-view+json"


def notebooks(chosen: list[str]) -> list[Path]:
    """The paths of the notebooks of the given numbers or names ("02", "3", "01_invariance"), all if none is given."""
    books = sorted(NOTEBOOKS.glob("[0-9][0-9]_*.ipynb"))
    if not books:
        sys.exit(f"no notebooks under {NOTEBOOKS}: install from a clone of the project with pip install -e .")
    known = {name: book for book in books for name in (book.stem, book.stem[:2], book.stem[:2].removeprefix("0"))}
    for number in chosen:
        if number not in known:
            sys.exit(f"no notebook begins with {number!r}: there are {', '.join(book.stem for book in books)}")
    return sorted({known[number] for number in chosen}) if chosen else books


def lessons(chosen: list[str]) -> list[Path]:
    """Those of the notebooks that have exercises and are taught: all but the door, 00."""
    found = [book for book in notebooks(chosen) if not book.name.startswith(DOOR)]
    return found or sys.exit(f"notebook {DOOR} has neither exercises nor a plan: take another one")


class KernelMeter(threading.Thread):
    """CPU seconds and the peak of resident memory of a running process."""

    def __init__(self, pid: int):
        super().__init__(daemon=True)
        self.process = psutil.Process(pid)
        self.cpu_seconds = 0.0
        self.peak_bytes = 0
        self.start()

    def spent(self) -> float:
        """CPU seconds until now, those of the system included; psutil.Error if the process is gone."""
        return sum(self.process.cpu_times()[:2])  # those of the user and of the system, of itself alone

    def run(self) -> None:
        """Look every tenth of a second until the process is gone."""
        try:
            while True:
                self.cpu_seconds = self.spent()
                self.peak_bytes = max(self.peak_bytes, self.process.memory_info().rss)
                time.sleep(0.1)
        except psutil.Error:
            return


@dataclass(frozen=True)
class Run:
    """One run of a notebook from top to bottom."""

    book: nbformat.NotebookNode  # with the outputs of its cells
    seconds: dict[str, float]  # CPU seconds of each code cell, by its id
    cpu_seconds: float  # of the kernel, its start included
    peak_bytes: int  # of the kernel, resident


def run_notebook(path: Path, *, store: bool, one_thread: bool = False) -> Run:
    """Run one notebook from top to bottom in a kernel of its own; an error that a cell shows is raised.

    Args:
        path: the notebook.
        store: write the outputs back into the file, without widget state.
        one_thread: for costs that compare; otherwise the environment says how many.
    """
    book = nbformat.read(path, as_version=4)
    client = NotebookClient(
        book,
        timeout=None,
        resources={"metadata": {"path": str(path.parent)}},
        store_widget_state=False,
        coalesce_streams=True,
        extra_arguments=["--log-level=ERROR"],
    )
    bar = tqdm(total=sum(cell.cell_type == "code" for cell in book.cells), desc=path.stem, unit="cell")
    client.on_cell_executed = lambda **_: bar.update()
    seconds = {}
    env = os.environ | DRAWING | ({"OMP_NUM_THREADS": "1"} if one_thread else {})
    with bar, client.setup_kernel(env=env):
        meter = KernelMeter(client.km.provisioner.pid)
        for index, cell in enumerate(book.cells):
            before = meter.spent()
            client.execute_cell(cell, index, execution_count=None)
            for output in cell.get("outputs", []):  # what fails in drawing after a cell leaves the cell itself whole
                if output.output_type == "error":
                    raise CellExecutionError("\n".join(output.traceback), output.ename, output.evalue)
            if cell.cell_type == "code":
                seconds[cell.id] = meter.spent() - before
        time.sleep(0.2)  # one more look by the meter
    if store:
        nbformat.write(_publishable(book), path)
    return Run(book, seconds, meter.cpu_seconds, meter.peak_bytes)


def without_widgets(book: dict) -> None:
    """Remove the widgets from the outputs of a notebook, and outputs that were nothing else; pictures stay."""
    book["metadata"].pop("widgets", None)
    for cell in book["cells"]:
        if cell["cell_type"] == "code":
            outputs = [
                output
                for output in cell["outputs"]
                if set(output.get("data", {})) - {WIDGET, "text/plain"} or WIDGET not in output.get("data", {})
            ]
            for output in outputs:
                output.get("data", {}).pop(WIDGET, None)  # it died with its kernel; a trusting page would say so
            cell["outputs"] = outputs


def _publishable(book: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """The notebook without widgets and time stamps, each figure with its caption as its alt."""
    from tutorial_lib.plotting.stills import fewer_colours  # matplotlib takes a second to import

    without_widgets(book)
    for cell, after in zip(book.cells, [*book.cells[1:], None], strict=True):
        cell.metadata.pop("execution", None)
        for output in cell.get("outputs", []):
            if "image/png" not in output.get("data", {}):
                continue
            output.data["image/png"] = b64encode(fewer_colours(b64decode(output.data["image/png"]))).decode()
            if after and after.source.startswith(CAPTION):
                words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", after.source.removeprefix(CAPTION)).split("*")[0]
                output.metadata.setdefault("image/png", {})["alt"] = " ".join(words.split())
    return book
