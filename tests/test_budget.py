import json
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
