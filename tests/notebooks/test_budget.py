import time
from pathlib import Path

from benchmarks.harness import budget
from benchmarks.harness.table import stored

NOTEBOOKS = Path(__file__).parent.parent.parent / "notebooks"


def test_every_notebook_has_a_budget_and_a_measurement():
    names = {path.stem for path in NOTEBOOKS.glob("[0-9]*.ipynb")}
    costs = stored("notebooks")
    assert names == {name for name, cost in costs.items() if {"cpu_seconds", "gigabytes", "seconds"} <= cost.keys()}
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
