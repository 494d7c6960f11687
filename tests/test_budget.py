import json
import time
from pathlib import Path

from benchmarks import budget

NOTEBOOKS = Path(__file__).parent.parent / "notebooks"


def test_a_notebook_within_its_budget_is_not_named():
    assert budget.over_budget({"02_gram_vae": {"cpu_seconds": 149, "gigabytes": 1.4}}) == []


def test_time_and_memory_beyond_the_budget_are_named():
    found = budget.over_budget({"02_gram_vae": {"cpu_seconds": 151, "gigabytes": 1.6}})
    assert [sentence.split(",")[0] for sentence in found] == [
        "02_gram_vae took 151 CPU seconds",
        "02_gram_vae took 1.60 GB",
    ]


def test_every_notebook_has_a_budget_and_a_measurement():
    numbers = {path.name[:2] for path in NOTEBOOKS.glob("[0-9]*.ipynb")}
    assert numbers == set(budget.CPU_SECONDS)
    assert numbers == {name[:2] for name in json.loads(budget.RESULTS.read_text())}


def test_a_pace_is_that_of_a_fixed_piece_of_work(monkeypatch):
    undisturbed = budget.UNDISTURBED
    monkeypatch.setattr(budget, "UNDISTURBED", undisturbed / 100)
    slow = budget.Pace(rest=0.01)
    time.sleep(0.05)
    assert slow.stop() > 20
    assert slow.samples
    monkeypatch.setattr(budget, "UNDISTURBED", undisturbed * 100)
    assert budget.Pace().stop() == 1, "a faster machine is given no smaller budget"


def test_what_other_notebooks_took_stays_when_some_are_stored(monkeypatch, tmp_path):
    monkeypatch.setattr(budget, "RESULTS", tmp_path / "budget.json")
    one, other = {"cpu_seconds": 1.0, "gigabytes": 0.5}, {"cpu_seconds": 2.0, "gigabytes": 0.5}
    budget.store({"02_b": one})
    budget.store({"01_a": other, "03_c": other})
    budget.store({})
    assert json.loads(budget.RESULTS.read_text()) == {"01_a": other, "02_b": one, "03_c": other}
