import json
import re

from benchmarks import budget


def test_a_notebook_within_its_budget_is_not_named():
    assert budget.over_budget({"02_gram_vae": {"cpu_seconds": 149, "gigabytes": 1.4}}) == []


def test_time_and_memory_beyond_the_budget_are_named():
    found = budget.over_budget({"02_gram_vae": {"cpu_seconds": 151, "gigabytes": 1.6}})
    assert [sentence.split(",")[0] for sentence in found] == [
        "02_gram_vae took 151 CPU seconds",
        "02_gram_vae took 1.60 GB",
    ]


def test_every_notebook_has_a_budget_and_a_measurement():
    numbers = {path.name[:2] for path in (budget.TOP / "notebooks").glob("[0-9]*.ipynb")}
    assert numbers == set(budget.CPU_SECONDS)
    assert numbers == {name[:2] for name in json.loads(budget.RESULTS.read_text())}


def test_the_readmes_table_is_the_generated_one():
    readme = (budget.TOP / "README.md").read_text()
    assert budget.readme_with_table(readme, json.loads(budget.RESULTS.read_text())) == readme
    assert len(re.findall(r"^\| \[\d\d_", readme, flags=re.MULTILINE)) == len(budget.CPU_SECONDS)
