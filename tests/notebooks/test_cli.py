import itertools
import json
import os
import re
import runpy
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from functools import partial
from importlib.metadata import version
from pathlib import Path

import nbformat
import pexpect
import pytest
from traitlets.config import Config

from tutorial_lib import __main__ as command
from tutorial_lib.course import doctor, runs, server

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg=="


def store(folder, number, source):
    cell = nbformat.v4.new_code_cell(source)
    nbformat.write(nbformat.v4.new_notebook(cells=[cell], metadata={"widgets": {}}), folder / f"{number}_tiny.ipynb")


@pytest.fixture
def shelf(tmp_path, monkeypatch):
    """A folder with two tiny notebooks in place of ours."""
    folder = tmp_path / "notebooks"
    folder.mkdir()
    store(folder, "01", "print(6 * 7)")
    store(folder, "02", "raise ValueError('on purpose')")
    monkeypatch.setattr(runs, "NOTEBOOKS", folder)
    return folder


def call(monkeypatch, *words):
    monkeypatch.setattr(sys, "argv", ["tutorial_lib", *words])
    command.main()


@pytest.mark.parametrize("user", [0, 1000])
def test_lab_opens_the_first_copy_on_loopback_with_its_token_on(user, shelf, monkeypatch, capsys):
    launched = []
    monkeypatch.setattr(server.os, "geteuid", lambda: user, raising=False)
    monkeypatch.setattr("jupyterlab.labapp.LabApp.launch_instance", launched.append)
    monkeypatch.setattr(server.signal, "signal", lambda *_: None)
    for name, value in runs.DRAWING.items():
        monkeypatch.setenv(name, value)
    call(monkeypatch, "--no-browser", "--port", "8889")
    ((*words,),) = launched
    mine = shelf.parent / "my_course"
    assert (mine / "01_tiny.ipynb").exists()
    assert f"--ServerApp.root_dir={mine}" in words
    # The address that it prints, for whoever has to copy it, leads to the same place.
    assert "--LabApp.default_url=/lab/tree/01_tiny.ipynb" in words
    assert "--ServerApp.ip=127.0.0.1" in words
    assert not any("token" in word.lower() for word in words)
    assert "--ServerApp.identity_provider_class=tutorial_lib.course.server.NeverOpen" in words
    assert ("--allow-root" in words) == (user == 0), "root in a container may run it"
    assert words[-3:] == ["--no-browser", "--port", "8889"]
    assert capsys.readouterr().out == ""
    store(shelf, "01", "print(7 * 6)")
    call(monkeypatch)
    assert "01_tiny.ipynb changed: `python -m tutorial_lib update`" in capsys.readouterr().out


def test_run_prints_minutes_and_memory_and_stores_outputs_only_where_asked(shelf, monkeypatch, capsys):
    before = (shelf / "01_tiny.ipynb").read_bytes()
    call(monkeypatch, "run", "01")
    assert re.match(r"01_tiny: \d+\.\d minutes, \d+ CPU seconds, \d\.\d\d GB at its peak", capsys.readouterr().out)
    assert (shelf / "01_tiny.ipynb").read_bytes() == before
    call(monkeypatch, "run", "--store", "01")
    book = nbformat.read(shelf / "01_tiny.ipynb", 4)
    assert (book.cells[0].outputs[0].text, book.cells[0].execution_count) == ("42\n", 1)
    assert "widgets" not in book.metadata


def test_a_run_tells_what_was_said_and_what_each_cell_took(shelf, monkeypatch):
    clock = itertools.accumulate(itertools.count(1.0))  # 1, 3, 6, 10, 15: before each cell and after each of code
    here = threading.current_thread()
    spent = lambda meter: next(clock) if threading.current_thread() is here else 99.0  # noqa: E731
    monkeypatch.setattr(runs.KernelMeter, "spent", spent)
    cells = [nbformat.v4.new_code_cell(s) for s in ("x = bytearray(300_000_000)", "6 * 7")]
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("Sums"), *cells])
    nbformat.write(book, shelf / "03_tiny.ipynb")
    done = runs.run_notebook(shelf / "03_tiny.ipynb", store=False)
    assert done.peak_bytes > 300e6
    assert done.seconds == {cells[0].id: 6 - 3, cells[1].id: 15 - 10}
    assert done.cpu_seconds == 99
    assert done.book.cells[2].outputs[0].data["text/plain"] == "42"


def test_a_run_may_be_told_to_take_one_thread(shelf, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    store(shelf, "03", "import os; print(os.environ['OMP_NUM_THREADS'])")
    for one_thread, printed in ((False, "2\n"), (True, "1\n")):
        done = runs.run_notebook(shelf / "03_tiny.ipynb", store=False, one_thread=one_thread)
        assert done.book.cells[0].outputs[0].text == printed


def test_another_command_is_refused_and_the_version_is_the_courses(monkeypatch, capsys):
    with pytest.raises(SystemExit, match="2"):
        call(monkeypatch, "rum")
    assert "invalid choice: 'rum' (choose from" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="0"):
        call(monkeypatch, "--version")
    assert capsys.readouterr().out == version("tutorial-lib") + "\n"


def test_the_doctor_says_what_to_do(shelf, monkeypatch, capsys):
    call(monkeypatch, "doctor")
    found = capsys.readouterr().out
    assert "->" not in found, found
    assert found.endswith("nothing to mend\n")
    monkeypatch.setattr(doctor, "requires", lambda _: ["torch<1", "nowhere", 'dask; extra == "scale"'])
    monkeypatch.setattr(doctor, "MEMORY", 1e15)
    monkeypatch.setattr(doctor, "TemporaryFile", lambda dir: (Path(dir) / "no" / "folder").open())
    monkeypatch.setattr(doctor, "extension_matches", lambda: False)
    with pytest.raises(SystemExit, match="7 to mend"):
        call(monkeypatch, "doctor")
    found = capsys.readouterr().out
    for words in ('"torch<1"', "not installed", "close programs", "make it writable", '"nglview"'):
        assert words in found
    assert "dask" not in found


@pytest.mark.parametrize("problem", [PermissionError("my_course cannot be written"), KeyboardInterrupt()])
def test_what_goes_wrong_is_one_line(problem, shelf, monkeypatch):
    def fail(*_):
        raise problem

    monkeypatch.setattr(command.Copies, "make", fail)
    with pytest.raises(SystemExit, match=str(problem) or "stopped"):
        call(monkeypatch, "update")


def test_pictures_come_whatever_a_user_has_told_matplotlib(shelf, tmp_path, monkeypatch):
    settings = tmp_path / "home" / ".config" / "matplotlib" / "matplotlibrc"
    settings.parent.mkdir(parents=True)
    settings.write_text("backend: agg\ntext.usetex: True\n")
    for name, value in {"MPLBACKEND": "agg", "MATPLOTLIBRC": settings, "HOME": tmp_path / "home"}.items():
        monkeypatch.setenv(name, str(value))
    source = "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.xlabel('one')\nplt.rcParams['text.usetex']"
    store(shelf, "03", source)
    tex, picture = runs.run_notebook(shelf / "03_tiny.ipynb", store=True).book.cells[0].outputs
    assert tex.data["text/plain"] == "False"
    assert "image/png" in picture.data


SURVIVED = "try:\n    1 / 0\nexcept ZeroDivisionError:\n    get_ipython().showtraceback()"


@pytest.mark.parametrize(
    ("source", "message"),
    [("raise ValueError('on purpose')", "on purpose"), (SURVIVED, "ZeroDivisionError")],
    ids=["raised", "shown, as what fails while a picture is drawn after a cell"],
)
def test_a_notebook_that_fails_fails_the_command_and_is_not_stored(source, message, shelf, monkeypatch):
    store(shelf, "03", source)
    before = (shelf / "03_tiny.ipynb").read_bytes()
    with pytest.raises(SystemExit, match=rf"03_tiny\.ipynb failed(?s:.*){message}"):
        call(monkeypatch, "run", "3", "--store")
    assert (shelf / "03_tiny.ipynb").read_bytes() == before


@pytest.mark.parametrize(
    ("asked", "found"),
    [(["1"], ["01"]), (["01"], ["01"]), (["10", "1"], ["01", "10"]), (["02_tiny"], ["02"]), ([], ["01", "02", "10"])],
)
def test_a_notebook_is_named_by_its_whole_number(asked, found, shelf):
    store(shelf, "10", "")
    assert [path.name[:2] for path in runs.notebooks(asked)] == found


@pytest.mark.parametrize("asked", ["", "0", "001", "01_ti", "100", "07"])
def test_part_of_a_number_is_no_notebook(asked, shelf):
    with pytest.raises(SystemExit, match=f"no notebook begins with '{asked}': there are 01_tiny, 02_tiny"):
        runs.notebooks([asked])


def test_an_installation_without_notebooks_says_so(shelf):
    for path in shelf.iterdir():
        path.unlink()
    with pytest.raises(SystemExit, match="clone"):
        runs.notebooks([])


@pytest.mark.filterwarnings("ignore:.*found in sys.modules:RuntimeWarning")
@pytest.mark.parametrize(
    ("words", "main"),
    [
        (["tutorial_lib"], command.main),
        (["tutorial_lib", "run"], command.main),
        (["benchmarks"], partial(runpy.run_module, "benchmarks", run_name="__main__")),
    ],
    ids=["course", "run", "benchmarks"],
)
def test_help_is_help(words, main, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", [*words, "--help"])
    with pytest.raises(SystemExit, match="0"):
        main()
    assert "usage" in capsys.readouterr().out


def test_an_empty_token_in_a_configuration_is_none():
    empty = Config(IdentityProvider={"token": ""})
    new = [server.NeverOpen(token=""), server.NeverOpen(config=empty), server.NeverOpen()]
    assert all(len(provider.token) >= 48 and provider.token_generated for provider in new)
    assert len({provider.token for provider in new}) == 3
    own = {"token": "chosen"}, {"token": "", "hashed_password": "argon2:chosen"}
    assert [server.NeverOpen(**chosen).token for chosen in own] == ["chosen", ""], "what a user has chosen stays"


@pytest.mark.slow
@pytest.mark.parametrize("section", ["ServerApp", "IdentityProvider", "PasswordIdentityProvider"])
def test_no_configuration_of_a_users_own_opens_the_server_or_leads_it_elsewhere(section, tmp_path):
    config = {"ServerApp": {"root_dir": str(tmp_path), "preferred_dir": str(tmp_path)}}
    config |= {"FileContentsManager": {"root_dir": str(tmp_path), "preferred_dir": "nowhere"}}
    config[section] = config.get(section, {}) | {"token": ""}
    (tmp_path / "jupyter_server_config.json").write_text(json.dumps(config))
    log = tmp_path / "log"
    environment = os.environ | {name: str(tmp_path) for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_RUNTIME_DIR")}
    words = [sys.executable, "-m", "tutorial_lib", "--no-browser", "--ServerApp.port=0"]
    with log.open("w") as file:
        lab = subprocess.Popen(words, env=environment, stdout=file, stderr=file)
    try:
        while not (found := re.search(r"(http://127\.0\.0\.1:\d+)/lab\S*\?token=(\w+)", log.read_text())):
            assert lab.poll() is None, log.read_text()
            time.sleep(0.2)
        address = f"{found[1]}/api/contents"
        with urllib.request.urlopen(f"{address}?token={found[2]}") as answer:
            names = {entry["name"] for entry in json.load(answer)["content"]}
        assert "01_invariance.ipynb" in names
        for query in ("", "?token=", "?token=other"):
            with pytest.raises(urllib.error.HTTPError, match="403"):
                urllib.request.urlopen(address + query)
    finally:
        lab.terminate()
        lab.wait()


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="there is no such terminal")
@pytest.mark.parametrize("end", ["asked", "twice", "terminated", "hung up"])
def test_ctrl_c_asks_once_and_every_end_leaves_no_traceback_and_no_file_behind(end, tmp_path):
    environment = os.environ | {"JUPYTER_RUNTIME_DIR": str(tmp_path), "JUPYTER_CONFIG_DIR": str(tmp_path / "config")}
    words = ["-m", "tutorial_lib", "--no-browser", "--ServerApp.port=0"]
    lab = pexpect.spawn(sys.executable, words, env=environment, encoding="utf-8", timeout=60)
    lab.expect(r"http://127\.0\.0\.1:\d+/lab")
    if end in ("asked", "twice"):
        lab.sendintr()
        lab.expect(r"\(y/\[n\]\)")
        if end == "asked":
            lab.sendline("y")
        else:
            lab.sendintr()
    else:
        lab.kill(signal.SIGTERM if end == "terminated" else signal.SIGHUP)
    lab.expect(pexpect.EOF)
    lab.close()
    assert lab.exitstatus == 0
    assert "Traceback" not in lab.before
    assert list(tmp_path.glob("jpserver*")) == []


def test_a_stored_picture_has_its_caption_as_alt_and_no_dead_widget():
    caption = "*Figure: a line\nthat rises.* And more."
    cells = [nbformat.v4.new_code_cell("plot()"), nbformat.v4.new_markdown_cell(caption)]
    data = {"image/png": PIXEL, "text/plain": "a plot", runs.WIDGET: {"model_id": "gone"}}
    cells[0].outputs = [nbformat.v4.new_output("display_data", data=data)]
    (output,) = runs._publishable(nbformat.v4.new_notebook(cells=cells)).cells[0].outputs
    assert output.metadata["image/png"]["alt"] == "a line that rises."
    assert set(output.data) == {"image/png", "text/plain"}
