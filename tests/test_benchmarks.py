"""How benchmarks report: one table of everything asked, powers that are fitted, cells that are compared."""

import subprocess
import sys

import nbformat
import numpy as np
import pytest

from benchmarks import __main__ as everything
from benchmarks import cost, notebooks
from benchmarks.table import RESULTS, Figure
from scripts import make_costs_page as costs

FOUND = {
    "one": [Figure("error | float32 (A)", "0.1", "0.05"), Figure("time (s)", "reported", "3")],
    "two": [Figure("share (%)", "95", "90", passes=False)],
}


def test_the_table_holds_what_was_asked_and_marks_what_is_missed():
    lines = everything.markdown(FOUND).splitlines()
    assert lines[2:] == ["| one | error \\| float32 (A) | 0.1 | 0.05 |", "| two | share (%) | 95 | 90 **short** |"]
    assert len(everything.markdown(FOUND, reported=True).splitlines()) == 5


def test_every_benchmark_has_stored_its_figures():
    assert list(everything.figures(everything.NAMES)) == everything.NAMES


def test_the_exit_status_says_whether_a_figure_is_missed(monkeypatch, capsys):
    monkeypatch.setattr(everything, "figures", lambda names: FOUND)
    monkeypatch.setattr(sys, "argv", ["benchmarks", "--stored"])
    with pytest.raises(SystemExit) as end:
        everything.main()
    assert end.value.code == 1
    assert "**short**" in capsys.readouterr().out


def test_an_unknown_benchmark_is_refused():
    done = subprocess.run([sys.executable, "-m", "benchmarks", "nothing"], capture_output=True, text=True)
    assert done.returncode == 2
    assert "there are" in done.stderr


def test_a_power_is_found_again_where_small_sizes_are_all_overhead():
    sizes = np.array([10, 100, 1_000, 10_000, 100_000])
    assert cost.exponent(sizes, 1e-6 * sizes**1.5) == pytest.approx(1.5)
    assert cost.exponent(sizes, 1e-3 + 1e-6 * sizes**1.5) == pytest.approx(1.5, abs=0.05)


def test_the_graph_of_a_cell_has_four_bonds_an_atom_and_a_cloud_has_fewer():
    atoms = cost.crystal(2)
    graph = cost.graph_of(atoms, cost.BONDS, lmax=1)
    assert len(graph.source) == 4 * len(atoms)
    assert graph.harmonics.shape == (4 * 64, 4)
    assert cost.network(1)(graph).shape == (1, 1)


def test_importing_the_library_brings_nothing_heavy_and_takes_no_time():
    wait, heavy = cost.imported()
    assert heavy == []
    assert wait < 0.3


def test_only_rooms_with_harmonics_import_e3nn_and_only_pictures_import_matplotlib():
    rooms = "alignment, gram, inpainting, motifs, places, silicon, synchronisation, training, vae"
    code = f"import sys; from tutorial_lib import {rooms}; print({{'e3nn', 'matplotlib'}} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


def cell(*outputs):
    made = nbformat.v4.new_code_cell("1")
    made.outputs = list(outputs)
    return made


def test_what_a_cell_printed_is_compared_without_its_progress_bars():
    said = nbformat.v4.new_output("stream", name="stdout", text="loss 0.1\n")
    bar = nbformat.v4.new_output("stream", name="stderr", text="12 it/s")
    value = nbformat.v4.new_output("execute_result", data={"text/plain": "3"}, execution_count=1)
    assert notebooks.printed(cell(said, bar, value)) == ["loss 0.1\n", "3"]
    assert notebooks.printed(cell(bar)) == [""]


def test_a_time_is_no_difference_and_an_angle_is():
    said, again, other = (
        nbformat.v4.new_output("stream", name="stdout", text=f"fitting {time} s, root 0.4 ms, off by {off} degree")
        for time, off in ((0.6, 1.5), (12, 1.5), (0.6, 1.6))
    )
    assert notebooks.printed(cell(said)) == notebooks.printed(cell(again)) != notebooks.printed(cell(other))


def test_the_slowest_cells_are_named_by_heading_and_first_line():
    book = nbformat.read(notebooks.notebooks(["04"])[0], 4)
    code = [one for one in book.cells if one.cell_type == "code"]
    ((where, seconds),) = notebooks.slowest({"04_tetris": {"seconds": {code[-1].id: 7.0}}})
    assert where.startswith("04_tetris, *")
    assert code[-1].source.splitlines()[0] in where
    assert seconds == 7


def test_the_page_of_costs_is_the_measured_one():
    text = costs.PAGE.read_text(encoding="utf-8")
    assert costs.with_blocks(text, costs.blocks()) == text, "run python scripts/make_costs_page.py"
    assert [costs.milliseconds(seconds) for seconds in (0.00036, 0.13, 1.5)] == ["0.36", "130", "1,500"]


def test_all_results_are_of_a_benchmark():
    stored = {path.stem for path in RESULTS.glob("*.json")}
    assert stored - set(everything.NAMES) == {"budget", "hub"}
