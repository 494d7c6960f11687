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


@pytest.fixture
def shelf(tmp_path, monkeypatch):
    """A folder with two tiny notebooks in place of ours."""
    for number, source in [("01", "print(6 * 7)"), ("02", "raise ValueError('on purpose')")]:
        book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)])
        book.metadata["widgets"] = {"state": {}}
        nbformat.write(book, tmp_path / f"{number}_tiny.ipynb")
    monkeypatch.setattr(command, "NOTEBOOKS", tmp_path)
    return tmp_path


def test_lab_opens_the_first_notebook_on_loopback_with_its_token_on():
    words = command.lab_command(["--no-browser"])
    assert words[:3] == [sys.executable, "-m", "jupyterlab"]
    assert f"--ServerApp.root_dir={command.NOTEBOOKS.parent}" in words
    # The address that it prints, for whoever has to copy it, leads to the same place.
    assert "--LabApp.default_url=/lab/tree/notebooks/01_invariance.ipynb" in words
    assert "--ServerApp.ip=127.0.0.1" in words
    assert not any("token" in word.lower() for word in words)
    assert "--ServerApp.identity_provider_class=tutorial_lib.__main__.NeverOpen" in words
    assert words[-1] == "--no-browser"


@pytest.mark.parametrize(("user", "expected"), [(0, True), (1000, False)])
def test_root_in_a_container_may_run_it(monkeypatch, user, expected):
    monkeypatch.setattr(command.os, "geteuid", lambda: user, raising=False)
    assert ("--allow-root" in command.lab_command([])) == expected


def test_run_prints_minutes_and_memory_and_leaves_the_file_alone(shelf, monkeypatch, capsys):
    before = (shelf / "01_tiny.ipynb").read_bytes()
    monkeypatch.setattr(sys, "argv", ["tutorial_lib", "run", "01"])
    command.main()
    printed = capsys.readouterr().out
    assert "01_tiny: " in printed
    assert "minutes" in printed
    assert "GB" in printed
    assert (shelf / "01_tiny.ipynb").read_bytes() == before


def test_run_can_store_outputs_without_widget_state(shelf, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["tutorial_lib", "run", "--store", "01"])
    command.main()
    book = nbformat.read(shelf / "01_tiny.ipynb", 4)
    assert book.cells[0].outputs[0].text == "42\n"
    assert book.cells[0].execution_count == 1
    assert "widgets" not in book.metadata


def test_a_run_tells_what_was_said_and_what_each_cell_took(shelf, monkeypatch):
    clock = itertools.accumulate(itertools.count(1.0))  # 1, 3, 6, 10, 15: before each cell and after each of code
    here = threading.current_thread()
    monkeypatch.setattr(
        command.KernelMeter, "spent", lambda meter: next(clock) if threading.current_thread() is here else 99.0
    )
    cells = [nbformat.v4.new_code_cell(s) for s in ("x = bytearray(300_000_000)", "6 * 7")]
    nbformat.write(
        nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("Sums"), *cells]), shelf / "03_tiny.ipynb"
    )
    done = command.run_notebook(shelf / "03_tiny.ipynb", store=False)
    assert done.peak_bytes > 300e6
    assert done.seconds == {cells[0].id: 6 - 3, cells[1].id: 15 - 10}
    assert done.cpu_seconds == 99
    assert done.book.cells[2].outputs[0].data["text/plain"] == "42"


def test_a_run_may_be_told_to_take_one_thread(shelf, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    source = "import os; print(os.environ['OMP_NUM_THREADS'])"
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)]), shelf / "03_tiny.ipynb")
    for one_thread, said in ((False, "2\n"), (True, "1\n")):
        done = command.run_notebook(shelf / "03_tiny.ipynb", store=False, one_thread=one_thread)
        assert done.book.cells[0].outputs[0].text == said


def test_options_go_to_the_laboratory_and_other_commands_are_refused(monkeypatch):
    called, environments = [], []
    monkeypatch.setattr(
        command.subprocess, "call", lambda words, env: called.append(words) or environments.append(env) or 0
    )
    monkeypatch.setattr(sys, "argv", ["tutorial_lib", "--port", "8889", "--no-browser"])
    with pytest.raises(SystemExit, match="0"):
        command.main()
    assert called[0][-3:] == ["--port", "8889", "--no-browser"]
    assert environments[0].items() >= (os.environ | command.DRAWING).items()
    monkeypatch.setattr(sys, "argv", ["tutorial_lib", "rum"])
    with pytest.raises(SystemExit, match="2"):
        command.main()
    assert len(called) == 1


def test_pictures_come_whatever_a_user_has_told_matplotlib(shelf, tmp_path, monkeypatch):
    (tmp_path / "matplotlibrc").write_text("backend: agg\ntext.usetex: True\n")
    for name, value in {"MPLBACKEND": "agg", "MATPLOTLIBRC": str(tmp_path / "matplotlibrc")}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "home" / ".config" / "matplotlib").mkdir(parents=True)
    (tmp_path / "home" / ".config" / "matplotlib" / "matplotlibrc").write_text("text.usetex: True\n")
    (shelf / "notebooks").mkdir()
    source = "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.xlabel('one')\nplt.rcParams['text.usetex']"
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)])
    nbformat.write(book, shelf / "notebooks" / "03_tiny.ipynb")
    done = command.run_notebook(shelf / "notebooks" / "03_tiny.ipynb", store=True)
    said, picture = done.book.cells[0].outputs
    assert said.data["text/plain"] == "False"
    assert "image/png" in picture.data


def test_an_error_that_a_cell_shows_and_survives_is_an_error(shelf, monkeypatch):
    # What fails while a picture is drawn after a cell comes so.
    source = "try:\n    1 / 0\nexcept ZeroDivisionError:\n    get_ipython().showtraceback()"
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)]), shelf / "03_tiny.ipynb")
    before = (shelf / "03_tiny.ipynb").read_bytes()
    monkeypatch.setattr(sys, "argv", ["tutorial_lib", "run", "3", "--store"])
    with pytest.raises(SystemExit, match=r"03_tiny\.ipynb failed(?s:.*)ZeroDivisionError"):
        command.main()
    assert (shelf / "03_tiny.ipynb").read_bytes() == before


def test_a_notebook_that_fails_fails_the_command(shelf, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["tutorial_lib", "run"])
    with pytest.raises(SystemExit, match=r"02_tiny\.ipynb failed(?s:.*)on purpose"):
        command.main()


def test_a_notebook_that_is_not_there_is_named(shelf):
    with pytest.raises(SystemExit, match="no notebook begins with '07': there are 01_tiny, 02_tiny"):
        command.notebooks(["07"])


@pytest.mark.parametrize(
    ("asked", "found"),
    [("1", ["01"]), ("01", ["01"]), ("10", ["10"]), ("01_invariance", ["01"]), ("2", ["02"])],
)
def test_the_number_of_a_notebook_is_whole(asked, found):
    assert [path.name[:2] for path in command.notebooks([asked])] == found


def test_part_of_a_number_is_no_notebook(shelf):
    nbformat.write(nbformat.v4.new_notebook(), shelf / "10_tiny.ipynb")
    assert [path.stem for path in command.notebooks(["10", "1"])] == ["01_tiny", "10_tiny"]
    for asked in ("", "0", "001", "01_ti", "100"):
        with pytest.raises(SystemExit, match=f"no notebook begins with '{asked}': there are 01_tiny"):
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
        (["benchmarks.gram_vae"], partial(runpy.run_module, "benchmarks.gram_vae", run_name="__main__")),
    ],
    ids=["course", "run", "benchmarks", "one benchmark"],
)
def test_help_is_help(words, main, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", [*words, "--help"])
    with pytest.raises(SystemExit, match="0"):
        main()
    assert "usage" in capsys.readouterr().out


@pytest.mark.slow
def test_the_lab_command_is_understood_by_jupyterlab():
    done = subprocess.run([*command.lab_command([]), "--version"], capture_output=True, text=True)
    assert done.returncode == 0


def test_an_empty_token_in_a_configuration_is_none():
    new = [
        command.NeverOpen(token=""),
        command.NeverOpen(config=Config(IdentityProvider={"token": ""})),
        command.NeverOpen(),
    ]
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
    places = {name: str(tmp_path) for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_RUNTIME_DIR")}
    with log.open("w") as file:
        server = subprocess.Popen(
            command.lab_command(["--no-browser", "--ServerApp.port=0"]),
            env=os.environ | places, stdout=file, stderr=file,
        )  # fmt: skip
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
    cells = [
        nbformat.v4.new_code_cell("plot()"),
        nbformat.v4.new_markdown_cell("*Figure: a line\nthat rises.* And more."),
    ]
    data = {"image/png": "iVBORw0K", "text/plain": "a plot", command.WIDGET: {"model_id": "gone"}}
    cells[0].outputs = [nbformat.v4.new_output("display_data", data=data)]
    (output,) = command._publishable(nbformat.v4.new_notebook(cells=cells)).cells[0].outputs
    assert output.metadata["image/png"]["alt"] == "a line that rises."
    assert set(output.data) == {"image/png", "text/plain"}
