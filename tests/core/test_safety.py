"""What our code never does: run what it reads, talk to the network, or write where nobody looks.

The suite passes without a network, and would notice a download.
"""

import ast
import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

TOP = Path(__file__).parent.parent.parent
PICKLES = {"pickle", "cPickle", "_pickle", "marshal", "shelve", "dill", "cloudpickle", "pickletools"}
NETWORK = {"socket", "socketserver", "ssl", "http", "urllib.request", "urllib3", "ftplib", "smtplib", "telnetlib"}
NETWORK |= {"requests", "httpx", "aiohttp", "websockets", "xmlrpc"}
CALLS = {"eval", "exec", "compile", "__import__", "os.system", "os.popen", "joblib.load", "joblib.dump"}
CALLS |= {"yaml.load", "pandas.read_pickle", "pd.read_pickle"}


def offences(text):
    """What the rule forbids and this source does, in words."""
    for node in ast.walk(ast.parse(text)):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        for name in names:
            parts = name.split(".")
            if any(".".join(parts[:n]) in PICKLES | NETWORK for n in range(1, len(parts) + 1)):
                yield f"import {name}"
            if name == "joblib.Memory":
                yield name
        if isinstance(node, ast.Call):
            called, given = ast.unparse(node.func), {word.arg: ast.unparse(word.value) for word in node.keywords}
            if called in CALLS:
                yield f"{called}()"
            if called == "torch.load" and given.get("weights_only") != "True":
                yield "torch.load without weights_only=True"
            if given.get("allow_pickle", "False") != "False":
                yield "allow_pickle"
            if given.get("shell", "False") != "False" and not called.startswith("check_"):
                yield "shell=True"


def sources():
    for folder in ("tutorial_lib", "scripts", "benchmarks"):
        for path in sorted((TOP / folder).rglob("*.py")):
            yield path.relative_to(TOP).as_posix(), path.read_text(encoding="utf-8")
    for path in sorted((TOP / "notebooks").rglob("*.ipynb")):
        cells = [cell.source for cell in nbformat.read(path, 4).cells if cell.cell_type == "code"]
        yield path.relative_to(TOP).as_posix(), "\n".join(cells)


def test_nothing_unpickles_evaluates_or_connects():
    assert {(name, offence) for name, text in sources() for offence in offences(text)} == set()


# Written by hand into a Python of its own: the hook cannot be taken out again.
WATCHED = """
import json, os, sys
seen = {"wrote": set(), "connected": set(), "unpickled": set(), "started": set()}

def hook(event, args):
    if event == "open" and isinstance(args[0], (str, bytes)):
        mode, flags = args[1] or "", args[2] or 0
        if any(letter in mode for letter in "wax+") or flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            seen["wrote"].add(os.path.abspath(os.fsdecode(args[0])))
    elif event in ("os.mkdir", "os.remove", "os.rmdir", "os.chmod", "os.truncate"):
        if isinstance(args[0], (str, bytes)):
            seen["wrote"].add(os.path.abspath(os.fsdecode(args[0])))
    elif event in ("os.rename", "os.link", "os.symlink"):
        seen["wrote"].add(os.path.abspath(os.fsdecode(args[1])))
    elif event == "socket.connect":
        seen["connected"].add(str(args[1]))
    elif event == "pickle.find_class":
        seen["unpickled"].add(".".join(args))
    elif event in ("subprocess.Popen", "os.system", "os.posix_spawn", "os.exec"):
        seen["started"].add(str(args[:2]))

sys.addaudithook(hook)
exec(sys.argv[1])
json.dump({what: sorted(things) for what, things in seen.items()}, sys.__stdout__)
"""
WORK = """
import importlib, pkgutil
import matplotlib
matplotlib.use("agg")
import torch, tutorial_lib
for module in pkgutil.walk_packages(tutorial_lib.__path__, "tutorial_lib."):
    importlib.import_module(module.name)
from tutorial_lib import datasets, training
from tutorial_lib.datasets import digits, g2, hamiltonians, qm9
from tutorial_lib.inpainting import places
from tutorial_lib.models import vae
from tutorial_lib.models.hierarchical import materials
from tutorial_lib.plotting import viewer
datasets.load_amorphous("validation"), datasets.crystal(), qm9.load("validation"), g2.molecules(), digits.load("test")
hamiltonians.load("water_rhf_500k", "test")
materials.trained_on_polycubes(), materials.trained_to_grow(), places.trained_position_scorer()
materials.trained_on_molecules()
loss = vae.evidence_loss(beta=0.1, reduction="sum", permute=False)
recipe = training.Recipe(epochs=2)
training.train(vae.VariationalAutoencoder(), torch.ones(8, 36), loss, recipe, checkpoint="kept/run.pt", progress=False)
training.load_history("kept/run.pt")
viewer.view(g2.molecules()[0], alt="One molecule")
"""


def watched(tmp_path, work):
    """What a program wrote, connected to, unpickled and started in a home and a working folder of its own."""
    places = {name: tmp_path / name for name in ("work", "home", "temporary")}
    for place in places.values():
        place.mkdir()
    elsewhere = ("XDG_", "MPL", "JUPYTER", "TORCHINDUCTOR", "TRITON")  # torch sets its own in whoever has compiled
    env = {name: value for name, value in os.environ.items() if not name.startswith(elsewhere)}
    env |= {"HOME": str(places["home"]), "TMPDIR": str(places["temporary"]), "PYTHONDONTWRITEBYTECODE": "1"}
    env["PYTHONPATH"] = os.pathsep.join([str(TOP), env.get("PYTHONPATH", "")])
    words = [sys.executable, "-c", WATCHED, work]
    done = subprocess.run(words, cwd=places["work"], env=env, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_importing_loading_training_and_drawing_write_only_where_they_may(tmp_path):
    seen = watched(tmp_path, WORK)
    caches = (tmp_path / "home" / ".cache", tmp_path / "home" / ".config", tmp_path / "temporary")
    allowed = (tmp_path / "work", *caches)
    outside = [path for path in seen["wrote"] if not any(Path(path).is_relative_to(place) for place in allowed)]
    assert [path for path in outside if path != os.devnull and not path.startswith("/proc/")] == []
    assert str(tmp_path / "work" / "kept" / "run.pt") in seen["wrote"]
    assert {path.name for path in (tmp_path / "home").iterdir()} <= {".cache", ".config"}
    assert [path.name for path in (tmp_path / "work").rglob("*")] == ["kept", "run.pt"]
    assert seen["connected"] == []
    assert seen["unpickled"] == []
    # matplotlib asks fontconfig where the fonts are, once for a home.
    assert [words for words in seen["started"] if not words.startswith("('fc-list'")] == []


OUTSIDE = ("192.0.2.1", 9)  # a documentation address (RFC 5737): nobody's


def test_neither_this_process_nor_a_python_that_we_start_can_leave_the_machine():
    for connect, address in (("connect", OUTSIDE), ("connect_ex", ("pypi.invalid", 443))):
        with socket.socket() as door, pytest.raises(OSError, match="the network is off"):
            getattr(door, connect)(address)
    code = f"import socket; socket.create_connection({OUTSIDE})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 1
    assert "the network is off" in done.stderr
