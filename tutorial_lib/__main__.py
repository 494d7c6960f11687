"""`python -m tutorial_lib`: JupyterLab on the first notebook, or the notebooks without a browser.

python -m tutorial_lib                 opens JupyterLab; further options go to it
python -m tutorial_lib run [02 ...]    runs notebooks, all if none is named, and prints what each took
"""

import argparse
import os
import re
import secrets
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import nbformat
import psutil
from jupyter_server.auth.identity import PasswordIdentityProvider
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, DeadKernelError
from tqdm import tqdm
from traitlets import validate

NOTEBOOKS = Path(__file__).parent.parent / "notebooks"
CAPTION = "*Figure: "
# A kernel of ours draws into the page, with matplotlib's own settings: a user's may ask for a LaTeX that is not there.
DRAWING = {
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    "MATPLOTLIBRC": str(Path(find_spec("matplotlib").origin).parent / "mpl-data" / "matplotlibrc"),
}
WIDGET = "application/vnd.jupyter.widget-view+json"


class NeverOpen(PasswordIdentityProvider):
    """Jupyter's own identity provider, but an empty token without a password in a configuration becomes a new token."""

    @validate("token")
    def _never_empty(self, proposal):
        if proposal["value"] or self.hashed_password:
            return proposal["value"]
        self.token_generated = True  # so that it is printed, as one of Jupyter's own
        return secrets.token_hex(24)


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


def lab_command(options: list[str]) -> list[str]:
    """The command that opens JupyterLab on the first notebook, on loopback, with its token on; options are appended.

    Address and token are set here, since a user's Jupyter configuration may say otherwise.
    """
    folder, first = NOTEBOOKS.parent, notebooks([])[0].relative_to(NOTEBOOKS.parent).as_posix()
    root = hasattr(os, "geteuid") and os.geteuid() == 0  # a container's only user, often
    return [
        *(sys.executable, "-m", "jupyterlab", f"--LabApp.default_url=/lab/tree/{first}"),
        *(f"--{part}={folder}" for part in ("ServerApp.root_dir", "FileContentsManager.root_dir")),
        *(f"--ServerApp.preferred_dir={folder}", "--FileContentsManager.preferred_dir="),
        *("--ServerApp.ip=127.0.0.1", "--ServerApp.identity_provider_class=tutorial_lib.__main__.NeverOpen"),
        *["--allow-root"] * root,
        *options,
    ]


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


def _publishable(book: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """The notebook without widget state, time stamps and progress bars, each figure with its caption as its alt."""
    book.metadata.pop("widgets", None)
    for cell, after in zip(book.cells, [*book.cells[1:], None], strict=True):
        cell.metadata.pop("execution", None)
        if cell.cell_type == "code":
            cell.outputs = [o for o in cell.outputs if not (WIDGET in o.get("data", {}) and "image/png" not in o.data)]
            for output in cell.outputs:
                output.get("data", {}).pop(WIDGET, None)  # it died with its kernel; a trusting page would say so
                if "image/png" in output.get("data", {}) and after and after.source.startswith(CAPTION):
                    words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", after.source.removeprefix(CAPTION)).split("*")[0]
                    output.metadata.setdefault("image/png", {})["alt"] = " ".join(words.split())
    return book


def run(args: argparse.Namespace) -> None:
    """The command `run`: notebooks one after another, with minutes and memory of each."""
    for path in notebooks(args.numbers):
        start = time.perf_counter()
        try:
            done = run_notebook(path, store=args.store)
        except CellExecutionError as error:
            sys.exit(f"{path.name} failed:\n{error}")
        except DeadKernelError:
            sys.exit(
                f"{path.name} stopped: its kernel died. A system without memory left ends it so: close what you can"
            )
        print(
            f"{path.stem}: {(time.perf_counter() - start) / 60:.1f} minutes, {done.cpu_seconds:.0f} CPU seconds, "
            f"{done.peak_bytes / 1e9:.2f} GB at its peak"
        )


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m tutorial_lib", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command")
    runner = commands.add_parser("run", help="run notebooks without a browser")
    runner.add_argument("numbers", nargs="*", metavar="NN", help="such as 02 or 2; all if none is named")
    runner.add_argument("--store", action="store_true", help="write the outputs back into the notebooks")
    if sys.argv[1:2] in (["run"], ["-h"], ["--help"]):
        run(parser.parse_args())
    elif sys.argv[1:2] and not sys.argv[1].startswith("-"):
        parser.error(f"there is no command {sys.argv[1]!r}: there is only run")
    else:
        sys.exit(subprocess.call(lab_command(sys.argv[1:]), env=os.environ | DRAWING))  # noqa: S603 - the words of whoever typed them, no shell


if __name__ == "__main__":
    main()
