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
from pathlib import Path
from queue import Empty

import nbformat
import numpy as np
import pytest
from jupyter_client.manager import start_new_kernel

TOP = Path(__file__).parent.parent.parent
NOTEBOOKS = TOP / "notebooks"
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
    return subprocess.run(
        [*before, sys.executable, "-c", code, *map(str, words)],
        env=environment(**changed), cwd=cwd, capture_output=True, text=True, timeout=timeout,
    )  # fmt: skip


# --- A full disk

TRAINING = """
import json, os, resource, signal, sys
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
    try:
        while True:
            os.write(filler, bytes(4096))
    except OSError:
        pass

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
print(json.dumps({
    "words": words,
    "epochs": len(training.load_history(path)["loss"]),
    "finite": bool(state["model"]["weight"].isfinite().all()),
    "files": sorted(p.name for p in folder.iterdir()),
}))
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
    found = json.loads(done.stdout.splitlines()[-1])
    assert "run.pt could not be written" in found["words"]
    assert "make room, or choose another folder" in found["words"]
    assert found["epochs"] == 2
    assert found["finite"]
    assert found["files"] == ["filler", "run.pt"] if how == "disk" else ["run.pt"]


# --- Kernels


class Kernel:
    """A kernel in the folder of the notebooks."""

    def __init__(self, **changed):
        env = environment(MPLBACKEND="module://matplotlib_inline.backend_inline", OMP_NUM_THREADS="1", **changed)
        self.manager, self.client = start_new_kernel(kernel_name="python3", env=env, cwd=str(NOTEBOOKS))

    def start(self, source):
        return self.client.execute(source)

    def reply(self, message, timeout=1800):
        """The status of a cell that was started, and what it printed or raised."""
        deadline, said = time.monotonic() + timeout, []
        while time.monotonic() < deadline:
            try:
                note = self.client.get_iopub_msg(timeout=1)
            except Empty:
                if not self.manager.is_alive():
                    return "dead", said
                continue
            if note["parent_header"].get("msg_id") != message:
                continue
            content = note["content"]
            said.append(content.get("text", "") + "\n".join(content.get("traceback", [])))
            said.append(content.get("data", {}).get("text/plain", ""))
            if note["msg_type"] == "status" and content["execution_state"] == "idle":
                try:
                    status = self.client.get_shell_msg(timeout=10)
                    while status["parent_header"].get("msg_id") != message:
                        status = self.client.get_shell_msg(timeout=10)
                except Empty:
                    return "no reply" if self.manager.is_alive() else "dead", said
                return status["content"]["status"], said
        return "no end", said

    def run(self, source, timeout=1800):
        return self.reply(self.start(source), timeout)

    def restart(self):
        self.manager.restart_kernel(now=True)
        self.client.wait_for_ready(timeout=120)

    def close(self):
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)


@pytest.fixture
def kernel(tmp_path):
    running = Kernel()
    yield running
    running.close()


def code(name):
    (path,) = NOTEBOOKS.glob(f"{name}*.ipynb")
    return [cell.source for cell in nbformat.read(path, 4).cells if cell.cell_type == "code"]


def imports(source):
    """Whether a cell imports at its top, and does little else."""
    return any(isinstance(node, ast.Import | ast.ImportFrom) for node in ast.parse(source).body)


@pytest.mark.parametrize("name", sorted(path.stem[:2] for path in NOTEBOOKS.glob("[0-9][0-9]_*.ipynb")))
def test_ctrl_c_in_any_cell_leaves_a_kernel_in_which_it_runs_again(name, kernel):
    generator, interrupted = np.random.default_rng(0), 0
    sources = code(name)
    for number, source in enumerate(sources):
        message = kernel.start(source)
        time.sleep(generator.uniform(0.02, 0.5))
        kernel.manager.interrupt_kernel()
        status, said = kernel.reply(message, timeout=60)
        assert status in ("ok", "error"), f"cell {number}: {status}"
        if status == "error":
            assert "KeyboardInterrupt" in "".join(said), f"cell {number}: {said}"
            interrupted += 1
        status, said = kernel.run("1 + 1")
        assert (status, "".join(said)) == ("ok", "2"), f"cell {number}"
        status, said = kernel.run(source)
        if status in ("error", "dead") and imports(source):
            # torch and others cannot be imported again after half an import, and some end the kernel: a restart is the
            # way out.
            kernel.restart()
            for before in sources[:number]:
                assert kernel.run(before)[0] == "ok"
            status, said = kernel.run(source)
        assert status == "ok", f"cell {number} does not run again: {said}"
    assert interrupted >= 3


RUN = """
import sys
from pathlib import Path
from tutorial_lib import __main__ as command
command.NOTEBOOKS = Path(sys.argv.pop(1))
command.main()
"""


def shelf(folder, *sources, name="01_small.ipynb"):
    folder.mkdir(exist_ok=True)
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(s) for s in sources]), folder / name)
    return folder


def test_the_command_ends_with_a_sentence_when_its_kernel_is_killed(tmp_path):
    books = shelf(tmp_path / "books", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "1")
    done = python(RUN, books, "run", "01", timeout=120)
    assert done.returncode == 1
    assert "01_small.ipynb stopped: its kernel died" in done.stderr
    assert "Traceback" not in done.stderr


# --- A home that one cannot write to

LOADERS = """
from tutorial_lib import g2, hamiltonians, places, primer, qm9, silicon, viewer
from tutorial_lib.models.hierarchical import materials
silicon.load_amorphous("validation"), silicon.crystal(), qm9.load("validation"), primer.digits("test")
hamiltonians.load("water_rhf_500k", "test"), places.trained_position_scorer(), materials.trained_on_polycubes()
viewer.view(g2.molecules()[0], alt="One molecule")
print("loaded")
"""


def test_without_a_home_all_is_loaded_and_drawn(tmp_path):
    done = python(LOADERS, HOME=NOWHERE, cwd=tmp_path)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.split()[-1] == "loaded"
    assert list(tmp_path.iterdir()) == []


def test_a_user_without_any_rights_loads_and_draws(tmp_path):
    if os.geteuid() or shutil.which("setpriv") is None:
        pytest.skip("only root can become nobody")
    nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    if python("import tutorial_lib", before=nobody, HOME="/nonexistent", cwd="/").returncode:
        pytest.skip("nobody may not read this installation")
    done = python(LOADERS, before=nobody, HOME="/nonexistent", cwd="/")
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.split()[-1] == "loaded"


def test_without_a_home_the_command_runs_a_notebook(tmp_path):
    books = shelf(tmp_path / "books", *code("04")[:8], name="04_tetris.ipynb")
    for beside in ("glossary.md",):
        shutil.copy(NOTEBOOKS / beside, books)
    done = python(RUN, books, "run", "04", HOME=NOWHERE)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "04_tetris: " in done.stdout
