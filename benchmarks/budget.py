"""What each notebook may take and what it took: the test suite measures, the README shows.

`pytest --store-budget` writes `results/budget.json` and the table in the README; the suite fails where a
notebook takes more than its budget by half.
"""

import json
import re
from pathlib import Path

import nbformat

TOP = Path(__file__).parent.parent
RESULTS = Path(__file__).parent / "results" / "budget.json"
CPU_SECONDS = {"01": 60, "02": 100, "03": 150}  # on one thread, under the quick profile
GIGABYTES = 1.0
ALLOWED = 1.5  # times the budget, for a busy machine
BLOCK = re.compile(r"(<!-- notebooks: .*? -->\n).*?(<!-- end -->)", flags=re.DOTALL)


def over_budget(costs: dict[str, dict[str, float]]) -> list[str]:
    """A sentence for every notebook that took too much; costs are CPU seconds and gigabytes by name."""
    found = []
    for name, cost in costs.items():
        seconds = ALLOWED * CPU_SECONDS[name[:2]]
        if cost["cpu_seconds"] > seconds:
            found.append(f"{name} took {cost['cpu_seconds']:.0f} CPU seconds, at most {seconds:.0f} are allowed")
        if cost["gigabytes"] > GIGABYTES * ALLOWED:
            found.append(f"{name} took {cost['gigabytes']:.2f} GB, at most {GIGABYTES * ALLOWED:.1f} are allowed")
    return found


def readme_with_table(readme: str, costs: dict[str, dict[str, float]]) -> str:
    """The README with its table of notebooks made anew from the notebooks and what they took."""
    rows = ["| notebook | question | CPU seconds | GB |", "| --- | --- | --- | --- |"]
    for name, cost in sorted(costs.items()):
        opening = nbformat.read(TOP / "notebooks" / f"{name}.ipynb", 4).cells[0].source
        question = " ".join(re.search(r"\*\*(.+?)\*\*", opening, flags=re.DOTALL).group(1).split())
        link = f"[{name}](notebooks/{name}.ipynb)"
        rows.append(f"| {link} | {question} | {cost['cpu_seconds']:.0f} | {cost['gigabytes']:.1f} |")
    return BLOCK.sub(lambda block: block[1] + "\n".join(rows) + "\n" + block[2], readme)


def store(costs: dict[str, dict[str, float]]) -> None:
    """Write what the notebooks took, and the README's table."""
    RESULTS.write_text(json.dumps(costs, indent=1) + "\n")
    readme = TOP / "README.md"
    readme.write_text(readme_with_table(readme.read_text(), costs))
