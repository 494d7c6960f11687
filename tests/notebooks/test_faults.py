"""What goes wrong on other people's machines: a full disk, Ctrl-C, a kernel that is killed, a home of others.

Each is made to happen, in a process of its own.
"""

import ast
import json
import os
import shutil
import subprocess
import sys
import time
from queue import Empty

import nbformat
import numpy as np
import pytest
from books import LESSONS, NOTEBOOKS, TOP, cells, each_lesson
from jupyter_client.manager import start_new_kernel

NOWHERE = "/proc/nowhere"  # where nobody can make a folder, root included
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="signals, limits and mounts of Linux"),
]


def environment(**changed):
    """Ours, without what would lead a program past the home that we give it."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("XDG_", "MPL", "JUPYTER", "IPYTHON"))}
    paths = os.pathsep.join([str(TOP), kept.get("PYTHONPATH", "")])
    return kept | {"PYTHONPATH": paths, "PYTHONDONTWRITEBYTECODE": "1"} | changed


def python(code, *words, before=(), cwd=None, timeout=300, **changed):
    command, env = [*before, sys.executable, "-c", code, *map(str, words)], environment(**changed)
    return subprocess.run(command, env=env, cwd=cwd, capture_output=True, text=True, timeout=timeout)


TRAINING = """
import contextlib, json, os, resource, signal, sys
from pathlib import Path
import torch
from tutorial_lib import training

folder, how = Path(sys.argv[1]), sys.argv[2]
path, epochs = folder / "run.pt", []

def fill():
    if how == "limit":
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, 30_000))
        return
    filler = os.open(folder / "filler", os.O_WRONLY | os.O_CREAT)
    with contextlib.suppress(OSError):
        while True:
            os.write(filler, bytes(4096))

def loss(model, batch, generator):
    epochs.append(1)
    if len(epochs) == 3:
        fill()
    return {"loss": model(batch).square().mean()}

model, data, recipe = torch.nn.Linear(200, 200), torch.randn(8, 200), training.Recipe(epochs=5)
try:
    training.train(model, data, loss, recipe, device="cpu", checkpoint=path, checkpoint_every=1, progress=False)
except OSError as error:
    words = str(error)
state = torch.load(path, weights_only=True)
finite, files = bool(state["model"]["weight"].isfinite().all()), sorted(p.name for p in folder.iterdir())
print(json.dumps([words, len(training.load_history(path)["loss"]), finite, files]))
"""


def mounted(folder):
    """What to put before a command that is to see a small disk there, or a skip."""
    words = ["unshare", "-m", "sh", "-c", f'mount -t tmpfs -o size=1500k none "{folder}" && exec "$@"', "sh"]
    if shutil.which("unshare") is None or subprocess.run([*words, "true"], capture_output=True).returncode:
        pytest.skip("no right to mount a small disk")
    return words


@pytest.mark.parametrize("how", ["limit", "disk"])
def test_a_full_disk_leaves_the_checkpoint_before_and_says_so(how, tmp_path):
    done = python(TRAINING, tmp_path, how, before=mounted(tmp_path) if how == "disk" else ())
    assert done.returncode == 0, done.stderr[-2000:]
    words, *found = json.loads(done.stdout.splitlines()[-1])
    assert "run.pt could not be written" in words
    assert "make room, or choose another folder" in words
    assert found == [2, True, ["filler", "run.pt"] if how == "disk" else ["run.pt"]], "epochs, finite, files"


class Kernel:
    """A kernel in the folder of the notebooks."""

    def __init__(self):
        env = environment(MPLBACKEND="module://matplotlib_inline.backend_inline", OMP_NUM_THREADS="1")
        self.manager, self.client = start_new_kernel(kernel_name="python3", env=env, cwd=str(NOTEBOOKS))

    def reply(self, message, timeout=1800):
        """The status of a cell that was started, and what it printed or raised."""
        deadline, printed = time.monotonic() + timeout, []
        while time.monotonic() < deadline:
            try:
                note = self.client.get_iopub_msg(timeout=1)
            except Empty:
                if not self.manager.is_alive():
                    return "dead", printed
                continue
            if note["parent_header"].get("msg_id") != message:
                continue
            content = note["content"]
            printed.append(content.get("text", "") + "\n".join(content.get("traceback", [])))
            printed.append(content.get("data", {}).get("text/plain", ""))
            if note["msg_type"] == "status" and content["execution_state"] == "idle":
                try:
                    status = self.client.get_shell_msg(timeout=10)
                    while status["parent_header"].get("msg_id") != message:
                        status = self.client.get_shell_msg(timeout=10)
                except Empty:
                    return "no reply" if self.manager.is_alive() else "dead", printed
                return status["content"]["status"], printed
        return "no end", printed

    def run(self, source, timeout=1800):
        return self.reply(self.client.execute(source), timeout)


@pytest.fixture
def kernel():
    running = Kernel()
    yield running
    running.client.stop_channels()
    running.manager.shutdown_kernel(now=True)


@each_lesson
def test_ctrl_c_in_any_cell_leaves_a_kernel_in_which_it_runs_again(path, kernel):
    generator, interrupted = np.random.default_rng(0), 0
    sources = [cell.source for cell in cells(path, "code")]
    for number, source in enumerate(sources):
        message = kernel.client.execute(source)
        time.sleep(generator.uniform(0.02, 0.5))
        kernel.manager.interrupt_kernel()
        status, printed = kernel.reply(message, timeout=60)
        assert status in ("ok", "error"), f"cell {number}: {status}"
        if status == "error":
            assert "KeyboardInterrupt" in "".join(printed), f"cell {number}: {printed}"
            interrupted += 1
        status, printed = kernel.run("1 + 1")
        assert (status, "".join(printed)) == ("ok", "2"), f"cell {number}"
        status, printed = kernel.run(source)
        imports = any(isinstance(node, ast.Import | ast.ImportFrom) for node in ast.parse(source).body)
        if status in ("error", "dead") and imports:
            # torch and others cannot be imported again after half an import, and some end the kernel: a restart is the
            # way out.
            kernel.manager.restart_kernel(now=True)
            kernel.client.wait_for_ready(timeout=120)
            for before in sources[:number]:
                assert kernel.run(before)[0] == "ok"
            status, printed = kernel.run(source)
        assert status == "ok", f"cell {number} does not run again: {printed}"
    assert interrupted >= 3


RUN = """
import sys
from pathlib import Path
from tutorial_lib import __main__ as command
from tutorial_lib.course import runs
runs.NOTEBOOKS = Path(sys.argv.pop(1))
command.main()
"""


def shelf(folder, *sources, name="01_small.ipynb"):
    folder.mkdir()
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(s) for s in sources]), folder / name)
    return folder


def test_the_command_ends_with_a_sentence_when_its_kernel_is_killed(tmp_path):
    books = shelf(tmp_path / "books", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "1")
    done = python(RUN, books, "run", "01", timeout=120)
    assert done.returncode == 1
    assert "01_small.ipynb stopped: its kernel died" in done.stderr
    assert "Traceback" not in done.stderr


LOADERS = """
from tutorial_lib import datasets
from tutorial_lib.datasets import digits, g2, hamiltonians, qm9
from tutorial_lib.inpainting import places
from tutorial_lib.models import hierarchical
from tutorial_lib.plotting import viewer
datasets.load_amorphous("validation"), datasets.crystal(), qm9.load("validation"), digits.load("test")
hamiltonians.load("water_rhf_500k", "test"), places.trained_position_scorer(), hierarchical.trained_on_polycubes()
viewer.view(g2.molecules()[0], alt="One molecule")
print("loaded")
"""


@pytest.mark.parametrize("who", ["a user without a home", "nobody"])
def test_without_a_home_or_any_rights_all_is_loaded_and_drawn(who, tmp_path):
    nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    where = {"before": nobody, "HOME": "/nonexistent", "cwd": "/"} if who == "nobody" else {"HOME": NOWHERE}
    if who == "nobody" and (os.geteuid() or shutil.which("setpriv") is None):
        pytest.skip("only root can become nobody")
    if who == "nobody" and python("import tutorial_lib", **where).returncode:
        pytest.skip("nobody may not read this installation")
    done = python(LOADERS, **{"cwd": tmp_path} | where)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.split()[-1] == "loaded"
    assert list(tmp_path.iterdir()) == []


def test_without_a_home_the_command_runs_a_notebook(tmp_path):
    sources = [cell.source for cell in cells(LESSONS[3], "code")[:8]]
    books = shelf(tmp_path / "books", *sources, name="04_tetris.ipynb")
    shutil.copy(NOTEBOOKS / "glossary.md", books)
    done = python(RUN, books, "run", "04", HOME=NOWHERE)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "04_tetris: " in done.stdout
