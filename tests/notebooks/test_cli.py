import itertools
import json
import os
import re
import runpy
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from functools import partial

import nbformat
import pytest
from traitlets.config import Config

from tutorial_lib import __main__ as command


def store(folder, number, source):
    cell = nbformat.v4.new_code_cell(source)
    nbformat.write(nbformat.v4.new_notebook(cells=[cell], metadata={"widgets": {}}), folder / f"{number}_tiny.ipynb")


@pytest.fixture
def shelf(tmp_path, monkeypatch):
    """A folder with two tiny notebooks in place of ours."""
    store(tmp_path, "01", "print(6 * 7)")
    store(tmp_path, "02", "raise ValueError('on purpose')")
    monkeypatch.setattr(command, "NOTEBOOKS", tmp_path)
    return tmp_path


def call(monkeypatch, *words):
    monkeypatch.setattr(sys, "argv", ["tutorial_lib", *words])
    command.main()


@pytest.mark.parametrize("user", [0, 1000])
def test_lab_opens_the_first_notebook_on_loopback_with_its_token_on(user, monkeypatch):
    monkeypatch.setattr(command.os, "geteuid", lambda: user, raising=False)
    words = command.lab_command(["--no-browser"])
    assert words[:3] == [sys.executable, "-m", "jupyterlab"]
    assert f"--ServerApp.root_dir={command.NOTEBOOKS.parent}" in words
    # The address that it prints, for whoever has to copy it, leads to the same place.
    assert "--LabApp.default_url=/lab/tree/notebooks/01_invariance.ipynb" in words
    assert "--ServerApp.ip=127.0.0.1" in words
    assert not any("token" in word.lower() for word in words)
    assert "--ServerApp.identity_provider_class=tutorial_lib.__main__.NeverOpen" in words
    assert ("--allow-root" in words) == (user == 0), "root in a container may run it"
    assert words[-1] == "--no-browser"


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
    monkeypatch.setattr(command.KernelMeter, "spent", spent)
    cells = [nbformat.v4.new_code_cell(s) for s in ("x = bytearray(300_000_000)", "6 * 7")]
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("Sums"), *cells])
    nbformat.write(book, shelf / "03_tiny.ipynb")
    done = command.run_notebook(shelf / "03_tiny.ipynb", store=False)
    assert done.peak_bytes > 300e6
    assert done.seconds == {cells[0].id: 6 - 3, cells[1].id: 15 - 10}
    assert done.cpu_seconds == 99
    assert done.book.cells[2].outputs[0].data["text/plain"] == "42"


def test_a_run_may_be_told_to_take_one_thread(shelf, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    store(shelf, "03", "import os; print(os.environ['OMP_NUM_THREADS'])")
    for one_thread, printed in ((False, "2\n"), (True, "1\n")):
        done = command.run_notebook(shelf / "03_tiny.ipynb", store=False, one_thread=one_thread)
        assert done.book.cells[0].outputs[0].text == printed


def test_options_go_to_the_laboratory_and_other_commands_are_refused(monkeypatch):
    called = []
    monkeypatch.setattr(command.subprocess, "call", lambda words, env: called.append((words, env)) or 0)
    with pytest.raises(SystemExit, match="0"):
        call(monkeypatch, "--port", "8889", "--no-browser")
    ((words, environment),) = called
    assert words[-3:] == ["--port", "8889", "--no-browser"]
    assert environment.items() >= (os.environ | command.DRAWING).items()
    with pytest.raises(SystemExit, match="2"):
        call(monkeypatch, "rum")
    assert len(called) == 1


def test_pictures_come_whatever_a_user_has_told_matplotlib(shelf, tmp_path, monkeypatch):
    settings = tmp_path / "home" / ".config" / "matplotlib" / "matplotlibrc"
    settings.parent.mkdir(parents=True)
    settings.write_text("backend: agg\ntext.usetex: True\n")
    for name, value in {"MPLBACKEND": "agg", "MATPLOTLIBRC": settings, "HOME": tmp_path / "home"}.items():
        monkeypatch.setenv(name, str(value))
    source = "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.xlabel('one')\nplt.rcParams['text.usetex']"
    store(shelf, "03", source)
    tex, picture = command.run_notebook(shelf / "03_tiny.ipynb", store=True).book.cells[0].outputs
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
    assert [path.name[:2] for path in command.notebooks(asked)] == found


@pytest.mark.parametrize("asked", ["", "0", "001", "01_ti", "100", "07"])
def test_part_of_a_number_is_no_notebook(asked, shelf):
    with pytest.raises(SystemExit, match=f"no notebook begins with '{asked}': there are 01_tiny, 02_tiny"):
        command.notebooks([asked])


def test_an_installation_without_notebooks_says_so(shelf):
    for path in shelf.iterdir():
        path.unlink()
    with pytest.raises(SystemExit, match="clone"):
        command.notebooks([])


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
    new = [command.NeverOpen(token=""), command.NeverOpen(config=empty), command.NeverOpen()]
    assert all(len(provider.token) >= 48 and provider.token_generated for provider in new)
    assert len({provider.token for provider in new}) == 3
    own = {"token": "chosen"}, {"token": "", "hashed_password": "argon2:chosen"}
    assert [command.NeverOpen(**chosen).token for chosen in own] == ["chosen", ""], "what a user has chosen stays"


@pytest.mark.slow
@pytest.mark.parametrize("section", ["ServerApp", "IdentityProvider", "PasswordIdentityProvider"])
def test_no_configuration_of_a_users_own_opens_the_server_or_leads_it_elsewhere(section, tmp_path):
    config = {"ServerApp": {"root_dir": str(tmp_path), "preferred_dir": str(tmp_path)}}
    config |= {"FileContentsManager": {"root_dir": str(tmp_path), "preferred_dir": "nowhere"}}
    config[section] = config.get(section, {}) | {"token": ""}
    (tmp_path / "jupyter_server_config.json").write_text(json.dumps(config))
    log = tmp_path / "log"
    environment = os.environ | {name: str(tmp_path) for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_RUNTIME_DIR")}
    words = command.lab_command(["--no-browser", "--ServerApp.port=0"])
    with log.open("w") as file:
        server = subprocess.Popen(words, env=environment, stdout=file, stderr=file)
    try:
        while not (found := re.search(r"(http://127\.0\.0\.1:\d+)/lab\S*\?token=(\w+)", log.read_text())):
            assert server.poll() is None, log.read_text()
            time.sleep(0.2)
        address = f"{found[1]}/api/contents/notebooks"
        with urllib.request.urlopen(f"{address}?token={found[2]}") as answer:
            names = {entry["name"] for entry in json.load(answer)["content"]}
        assert "01_invariance.ipynb" in names
        for query in ("", "?token=", "?token=other"):
            with pytest.raises(urllib.error.HTTPError, match="403"):
                urllib.request.urlopen(address + query)
    finally:
        server.terminate()
        server.wait()


def test_a_stored_picture_has_its_caption_as_alt_and_no_dead_widget():
    caption = "*Figure: a line\nthat rises.* And more."
    cells = [nbformat.v4.new_code_cell("plot()"), nbformat.v4.new_markdown_cell(caption)]
    data = {"image/png": "iVBORw0K", "text/plain": "a plot", command.WIDGET: {"model_id": "gone"}}
    cells[0].outputs = [nbformat.v4.new_output("display_data", data=data)]
    (output,) = command._publishable(nbformat.v4.new_notebook(cells=cells)).cells[0].outputs
    assert output.metadata["image/png"]["alt"] == "a line that rises."
    assert set(output.data) == {"image/png", "text/plain"}
