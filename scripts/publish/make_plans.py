"""Lesson plans of 50 and 90 minutes, from cell times that were measured and from how much there is to read.

python scripts/publish/make_plans.py     write the plans into docs/teaching/, and the table into its index

`python -m benchmarks.harness.notebooks` has measured the seconds of each cell. Which sections a plan takes stands in
docs/teaching/plans.toml; the minutes of an exercise there are an estimate, and all other minutes are computed:
`MINUTES` says from what.
"""

import argparse
import re
import sys
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

import nbformat

TOP = Path(__file__).parent.parent.parent
sys.path.insert(0, str(TOP))

from benchmarks.harness.table import stored  # noqa: E402
from scripts.publish.make_front_page import with_blocks  # noqa: E402
from tutorial_lib.__main__ import notebooks  # noqa: E402

TEACHING = TOP / "docs" / "teaching"
LENGTHS = ("50", "90")
LEFT_OUT = ("Questions", "Exercises", "Sources")
# A class that reads aloud and talks; the vote of a Predict, its run and what is said about it.
MINUTES = {"word": 1 / 120, "line of code": 1 / 12, "Predict": 2, "figure": 1}


@dataclass
class Section:
    """A part of a notebook under one heading.

    Attributes:
        title: the heading.
        cells: places of its code cells among all cells.
        amounts: how much of each of `MINUTES` there is.
    """

    title: str
    cells: list[int] = field(default_factory=list)
    amounts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(MINUTES, 0))

    def minutes(self, seconds: float) -> float:
        """What it takes to teach, with this much computing."""
        return sum(MINUTES[name] * n for name, n in self.amounts.items()) + seconds / 60


def sections(book: nbformat.NotebookNode) -> list[Section]:
    """The sections of a notebook that are taught; what comes before the first heading is its opening."""
    found = [Section("Opening")]
    for place, cell in enumerate(book.cells):
        if "colab" in cell.metadata.get("tags", []):
            continue
        if cell.cell_type == "code":
            found[-1].cells.append(place)
            found[-1].amounts["line of code"] += sum(bool(line.strip()) for line in cell.source.splitlines())
            continue
        for part in re.split(r"^(?=## )", cell.source, flags=re.MULTILINE):
            if heading := re.match(r"## (.+)\n", part + "\n"):
                found.append(Section(heading[1].strip()))
            amounts = found[-1].amounts
            amounts["word"] += len(re.sub(r"\]\([^)]*\)|[#*>`$|]", " ", part).split())
            amounts["Predict"] += part.count("> **Predict.**")
            amounts["figure"] += part.count("*Figure: ")
    return [section for section in found if section.title not in LEFT_OUT]


def table(found: list[Section], seconds: dict[str, float], plans: dict[str, dict]) -> str:
    """A lesson's plans as one table.

    Args:
        found: the lesson's sections.
        seconds: of computing, by section.
        plans: for each of `LENGTHS`, `sections` (titles) and `exercises` (minutes, by number).

    Returns:
        The table, in Markdown; a dash is a section that is run and not talked about.

    Raises:
        ValueError: a plan names a section that there is not.
    """
    titles = [section.title for section in found]
    for length, plan in plans.items():
        if unknown := set(plan["sections"]) - set(titles):
            raise ValueError(f"the plan of {length} minutes names {sorted(unknown)}; there are {titles}")
    rows = [
        "| section | computing (s) | in 50 minutes | in 90 minutes |",
        "| --- | --- | --- | --- |",
    ]
    for section in found:
        cost = seconds[section.title]
        minutes = f"{section.minutes(cost):.0f}"
        told = [minutes if section.title in plans[length]["sections"] else "–" for length in LENGTHS]
        rows.append(f"| {section.title} | {cost:.0f} | {told[0]} | {told[1]} |")
    for number in sorted(set().union(*(plans[length]["exercises"] for length in LENGTHS))):
        told = [str(plans[length]["exercises"].get(number, "–")) for length in LENGTHS]
        rows.append(f"| *exercise {number}* | | {told[0]} | {told[1]} |")
    whole = [f"**{total(found, seconds, plans[length]):.0f}**" for length in LENGTHS]
    rows.append(f"| **together** | {sum(seconds[title] for title in titles):.0f} | {whole[0]} | {whole[1]} |")
    return "\n".join(rows)


def total(found: list[Section], seconds: dict[str, float], plan: dict) -> float:
    """The minutes of a plan: the sections that it takes, and its exercises."""
    chosen = [section for section in found if section.title in plan["sections"]]
    return sum(section.minutes(seconds[section.title]) for section in chosen) + sum(plan["exercises"].values())


def overview(lessons: dict[str, list[Section]], seconds: dict[str, dict[str, float]]) -> str:
    """The index's table: what each notebook takes when everything is taught."""
    rows = ["| notebook | everything, without exercises (minutes) | of which computing |", "| --- | --- | --- |"]
    for name, found in lessons.items():
        whole = sum(section.minutes(seconds[name][section.title]) for section in found)
        computing = sum(seconds[name].values()) / 60
        rows.append(f"| [{name}]({name}.md) | {whole:.0f} | {computing:.1f} |")
    return "\n".join(rows)


def seconds_of(path: Path) -> dict[str, float]:
    """The CPU seconds of each section of a notebook, from those of its cells.

    Raises:
        SystemExit: a cell has not been measured yet.
    """
    book = nbformat.read(path, 4)
    spent = stored("notebooks").get(path.stem, {}).get("seconds", {})
    try:
        costs = {part.title: sum(spent[book.cells[i].id] for i in part.cells) for part in sections(book)}
    except KeyError:
        sys.exit(f"{path.stem} has cells never measured: python -m benchmarks.harness.notebooks {path.stem[:2]}")
    return {title: round(cost, 1) for title, cost in costs.items()}


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.parse_args()
    seconds = {path.stem: seconds_of(path) for path in notebooks([])}
    plans = tomllib.loads((TEACHING / "plans.toml").read_text(encoding="utf-8"))
    lessons = {path.stem: sections(nbformat.read(path, 4)) for path in notebooks([])}
    for name, plan in plans.items():
        _fill(TEACHING / f"{name}.md", {"plan": table(lessons[name], seconds[name], plan)})
    _fill(TEACHING / "index.md", {"lessons": overview(lessons, seconds)})


def _fill(page: Path, blocks: dict[str, str]) -> None:
    page.write_text(with_blocks(page.read_text(encoding="utf-8"), blocks), encoding="utf-8")


if __name__ == "__main__":
    main()
