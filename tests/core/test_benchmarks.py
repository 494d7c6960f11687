"""How benchmarks report, and what they keep: one table of everything asked, and every run in a file of its own."""

import importlib
import os
import subprocess
import sys
import time
from argparse import Namespace

import nbformat
import numpy as np
import pytest

from benchmarks import __main__ as everything
from benchmarks.harness import budget, notebooks, store
from benchmarks.harness.store import TOP
from benchmarks.harness.table import RESULTS, Figure, announce, stored
from benchmarks.research import cost
from scripts.publish import make_costs_page as costs
from scripts.publish.pages import with_blocks

FOUND = {
    "one": [Figure("error | float32 (A)", "0.1", "0.05"), Figure("time (s)", "reported", "3")],
    "two": [Figure("share (%)", "95", "90", passes=False)],
}


def test_the_table_holds_what_was_asked_and_marks_what_is_missed():
    lines = everything.markdown(FOUND).splitlines()
    assert lines[2:] == ["| one | error \\| float32 (A) | 0.1 | 0.05 |", "| two | share (%) | 95 | 90 **short** |"]
    assert len(everything.markdown(FOUND, reported=True).splitlines()) == 5


@pytest.mark.parametrize(("word", "status", "words"), [("--stored", 1, "**short**"), ("nothing", 2, "there are")])
def test_the_exit_status_says_whether_a_figure_is_missed_or_unknown(word, status, words, monkeypatch, capsys):
    monkeypatch.setattr(everything, "figures", lambda names: FOUND)
    monkeypatch.setattr(sys, "argv", ["benchmarks", word])
    with pytest.raises(SystemExit) as end:
        everything.main()
    assert end.value.code == status
    assert words in "".join(capsys.readouterr())


def test_a_power_is_found_again_where_small_sizes_are_all_overhead():
    sizes = np.array([10, 100, 1_000, 10_000, 100_000])
    assert cost.exponent(sizes, 1e-3 + 1e-6 * sizes**1.5) == pytest.approx(1.5, abs=0.05)


def test_only_what_has_harmonics_imports_e3nn_only_pictures_import_matplotlib_and_the_library_alone_nothing():
    modules = "datasets.silicon inpainting.places metrics.two_sample models.vae representations.alignment training.loop"
    code = "import importlib, sys; [importlib.import_module(f'tutorial_lib.{name}') for name in sys.argv[1].split()]"
    code += "; print({'e3nn', 'matplotlib'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code, modules], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
    assert cost.imported()[1] == []


def printed(**streams):
    outputs = [nbformat.v4.new_output("stream", name=name, text=text) for name, text in streams.items()]
    outputs.append(nbformat.v4.new_output("execute_result", data={"text/plain": "3"}, execution_count=1))
    return notebooks.printed(nbformat.v4.new_code_cell("1", outputs=outputs))


def test_what_a_cell_printed_is_compared_without_its_progress_bars_and_times():
    assert printed(stdout="loss 0.1\n", stderr="12 it/s") == ["loss 0.1\n", "3"]
    assert printed(stderr="12 it/s") == ["", "3"]
    text = "fitting {} s, root 0.4 ms, off by {} degree"
    assert printed(stdout=text.format(0.6, 1.5)) == printed(stdout=text.format(12, 1.5))
    assert printed(stdout=text.format(0.6, 1.5)) != printed(stdout=text.format(0.6, 1.6))


def test_the_slowest_cells_are_named_by_heading_and_first_line():
    book = nbformat.read(notebooks.notebooks(["04"])[0], 4)
    code = [one for one in book.cells if one.cell_type == "code"]
    ((where, seconds),) = notebooks.slowest({"04_tetris": {"seconds": {code[-1].id: 7.0}}})
    assert where.startswith("04_tetris, *")
    assert code[-1].source.splitlines()[0] in where
    assert seconds == 7


def test_the_pages_of_costs_and_of_scale_are_the_measured_ones():
    for page, made in costs.blocks().items():
        text = page.read_text(encoding="utf-8")
        assert with_blocks(text, made) == text, "run python scripts/publish/make_costs_page.py"
    assert [costs.milliseconds(seconds) for seconds in (0.00036, 0.13, 1.5)] == ["0.36", "130", "1,500"]


def test_every_benchmark_has_stored_its_figures_and_every_notebook_has_a_budget_and_a_measurement():
    assert list(everything.figures(everything.NAMES)) == everything.NAMES
    assert {path.stem for path in RESULTS.glob("*.json")} <= set(everything.NAMES)
    names = {path.stem for path in (TOP / "notebooks").glob("[0-9]*.ipynb")}
    measured = stored("notebooks")
    assert names == {name for name, cost in measured.items() if {"cpu_seconds", "gigabytes", "seconds"} <= cost.keys()}
    assert {name[:2] for name in names} == set(budget.CPU_SECONDS)


def test_a_pace_is_that_of_a_fixed_piece_of_work(monkeypatch):
    def pace(seconds):
        """What comes out where the work takes so long, by the clock that is asked before and after it."""
        ticks = iter(range(1000))
        monkeypatch.setattr(budget, "fixed_work", lambda: None)
        monkeypatch.setattr(time, "thread_time", lambda: seconds * next(ticks))
        return budget.Pace(rest=10).stop()

    assert pace(3 * budget.UNDISTURBED) == 3
    assert pace(budget.UNDISTURBED / 2) == 1, "a faster machine is given no smaller budget"


# --- Runs that are kept

MEASURE = '''"""Measures."""
import os
import time
from pathlib import Path

from tiny import aside, used


def measured(value, seed):
    """What is measured."""
    for what in ("begins", "ends"):
        with Path("log").open("a") as log:
            log.write(f"{value} {what}\\n")
        time.sleep(0.3 if os.environ.get("SLOW") else 0)
        if value == os.environ.get("STOP"):
            raise KeyboardInterrupt
    return {"words": used.WORDS, "seed": seed}
'''
LAZY = "import lazy_loader\n__getattr__, *_ = lazy_loader.attach(__name__, None, {'loads': ['load'], 'not': ['x']})\n"
USED = """
WORDS = "one"  # a comment

def lazy():
    from tutorial_lib import folder
    folder.load()
"""
RUN = """
import sys
from pathlib import Path
from benchmarks.harness import store
store.TOP = Path.cwd()
from tiny.measure import measured
mode, jobs, *values = sys.argv[1:]
runs = store.Runs("tiny", jobs=int(jobs), resume=mode == "resume", folder=Path("runs"))
calls = [store.Call(measured, value, 0, alone=value.startswith("alone"), roots=["tiny.measure"]) for value in values]
print(runs.map(calls), store.key("tiny.measure"))
"""


@pytest.fixture
def tiny(tmp_path):
    """A project with a benchmark, a module that it imports, one that it does not, and two shipped files."""
    files = {
        "tiny/measure.py": MEASURE,
        "tiny/used.py": USED,
        "tiny/aside.py": "",
        "tiny/unused.py": "WORDS = 1\n",
        "tutorial_lib/folder/__init__.py": LAZY,
        "tutorial_lib/folder/not.py": "WORDS = 1\n",
        "tutorial_lib/folder/loads.py": "def load(path):\n    return path / 'cells.xyz'\n",
        "tutorial_lib/datasets/files/cells.xyz": "cells",
        "tutorial_lib/datasets/files/others.xyz": "others",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)

    def run(*values, mode="resume", jobs=1, **environment):
        """The values whose run began, what was printed, and the whole log."""
        (tmp_path / "log").write_text("")
        path = os.pathsep.join([str(tmp_path), str(TOP), os.environ.get("PYTHONPATH", "")])
        env = os.environ | {"PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"} | environment
        words = [sys.executable, "-c", RUN, mode, str(jobs), *values]
        done = subprocess.run(words, cwd=tmp_path, env=env, capture_output=True, text=True)
        assert (done.returncode != 0) == ("STOP" in environment), done.stderr
        log = (tmp_path / "log").read_text().splitlines()
        return [line.split()[0] for line in log if line.endswith("begins")], done.stdout, log

    run.folder = tmp_path
    return run


def test_a_run_is_taken_while_no_code_or_data_that_it_depends_on_has_changed(tiny):
    began, results, _ = tiny("a", "b")
    assert began == ["a", "b"]
    for seed in "12":
        found = tiny("a", "b", PYTHONHASHSEED=seed)
        assert found == ([], results, []), "the same results, and the same key in another process"
    assert tiny("a", "b", "c")[0] == ["c"]
    assert tiny("a", mode="anew")[0] == ["a"]
    assert tiny("d", TUTORIAL_PROFILE="full")[0] == tiny("d", TUTORIAL_PROFILE="quick")[0] == ["d"]
    for name, before, after, again in (
        ("tiny/measure.py", '"""What is measured."""', '"""Other words."""  # and a comment', []),
        ("tiny/unused.py", "1", "2", []),
        ("tutorial_lib/folder/not.py", "1", "2", []),
        ("tutorial_lib/datasets/files/others.xyz", "others", "another", []),
        ("tiny/measure.py", '"seed": seed', '"seed": -seed', ["a"]),
        ("tiny/used.py", '"one"', '"two"', ["a"]),
        ("tutorial_lib/folder/loads.py", "path / ", "path.parent / ", ["a"]),
        ("tutorial_lib/datasets/files/cells.xyz", "cells", "more", ["a"]),
    ):
        path = tiny.folder / name
        path.write_text(path.read_text().replace(before, after))
        assert tiny("a")[0] == again, name


def test_what_was_finished_before_an_interruption_or_was_damaged_since_is_known(tiny):
    assert tiny("a", "b", "c", STOP="b")[0] == ["a", "b"]
    assert tiny("a", "b", "c")[0] == ["b", "c"]
    (broken, *_) = sorted((tiny.folder / "runs" / "tiny").glob("*.json"))
    broken.write_text(broken.read_text()[:30])
    assert tiny("a", "b", "c")[0] == ["a"]


def test_what_runs_alone_runs_after_all_others_and_one_by_one(tiny):
    _, _, log = tiny("a", "alone-1", "b", "alone-2", jobs=2, SLOW="1")
    assert sorted(log[:2]) == ["a begins", "b begins"], "side by side"
    assert log[4:] == [f"alone-{n} {what}" for n in (1, 2) for what in ("begins", "ends")]


def test_every_benchmark_says_what_it_would_run_and_whether_other_code_measured_it(capsys, monkeypatch):
    args = Namespace(stored=False, resume=True, jobs=2, seeds=None, skip_notebook=False)
    benchmarks = [importlib.import_module(store.module_of(name)).BENCHMARK for name in everything.NAMES]
    assert [benchmark.name for benchmark in benchmarks] == everything.NAMES
    announce(benchmarks, args)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in lines] == [*everything.NAMES, "together"]
    assert all(" fresh, " in line and " to run" in line for line in lines)
    monkeypatch.setattr(everything, "results", lambda names: {name: {"build": "0" * 12} for name in names})
    assert everything.of_other_builds(benchmarks[:2]) == "Measured by another build than today's: cost, flow_copying."
