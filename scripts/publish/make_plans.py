"""Lesson plans of 50 and 90 minutes, from cell times that were measured and from how much there is to read.

python scripts/publish/make_plans.py     write the plans into docs/teaching/, and the table into its index

`python -m benchmarks.harness.notebooks` has measured the seconds of each cell. Which sections a plan takes stands in
docs/teaching/plans.toml; the minutes of an exercise there are an estimate, all others are computed from `MINUTES`.
"""

import argparse
import re
import sys
import tomllib
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import nbformat

sys.path.insert(0, str(Path(__file__).parent.parent.parent))

from benchmarks.harness.table import stored
from scripts.publish.pages import TOP, fill, table
from tutorial_lib.course.runs import lessons

TEACHING = TOP / "docs" / "teaching"
LENGTHS = ("50", "90")
LEFT_OUT = ("Questions", "Exercises", "Sources")
# A class that reads aloud and talks; a Predict is the vote, the run and what is said about it.
MINUTES = {"word": 1 / 120, "line of code": 1 / 12, "Predict": 2, "figure": 1}


@dataclass
class Section:
    """A part of a notebook under one heading: how much of each of `MINUTES` it has, and its seconds of computing."""

    title: str
    amounts: Counter = field(default_factory=Counter)
    seconds: float = 0

    @property
    def minutes(self) -> float:
        return sum(MINUTES[name] * n for name, n in self.amounts.items()) + self.seconds / 60


def sections(book: nbformat.NotebookNode, seconds: dict[str, float]) -> list[Section]:
    """The sections of a notebook that are taught, `seconds` by the id of a cell; the first is called Opening."""
    found = [Section("Opening")]
    for cell in book.cells:
        if "colab" in cell.metadata.get("tags", []):
            continue
        if cell.cell_type == "code":
            found[-1].seconds += seconds[cell.id]
            found[-1].amounts["line of code"] += sum(bool(line.strip()) for line in cell.source.splitlines())
            continue
        for part in re.split(r"^(?=## )", cell.source.split("\nTo run it elsewhere: ")[0], flags=re.MULTILINE):
            if heading := re.match(r"## (.+)\n", part + "\n"):
                found.append(Section(heading[1].strip()))
            amounts, words = found[-1].amounts, re.sub(r"\]\([^)]*\)|[#*>`$|]", " ", part).split()
            amounts += Counter(word=len(words), Predict=part.count("> **Predict.**"), figure=part.count("*Figure: "))
    for section in found:
        section.seconds = round(section.seconds, 1)
    return [section for section in found if section.title not in LEFT_OUT]


def measured(path: Path) -> list[Section]:
    """The sections of a notebook with their measured seconds."""
    try:
        return sections(nbformat.read(path, 4), stored("notebooks").get(path.stem, {}).get("seconds", {}))
    except KeyError:
        sys.exit(f"{path.stem} has cells never measured: python -m benchmarks.harness.notebooks {path.stem[:2]}")


def plans_table(found: list[Section], plans: dict[str, dict]) -> str:
    """A lesson's plans as one table; a dash is a section that is run and not talked about.

    The plan of each of `LENGTHS` has `sections` (titles) and `exercises` (minutes, by number).
    """
    titles = [section.title for section in found]
    for length, plan in plans.items():
        if unknown := set(plan["sections"]) - set(titles):
            raise ValueError(f"the plan of {length} minutes names {sorted(unknown)}; there are {titles}")
    chosen = [plans[length] for length in LENGTHS]
    rows = []
    for section in found:
        minutes = (f"{section.minutes:.0f}" if section.title in plan["sections"] else "–" for plan in chosen)
        rows.append((section.title, f"{section.seconds:.0f}", *minutes))
    for number in sorted(set().union(*(plan["exercises"] for plan in chosen))):
        rows.append((f"*exercise {number}*", "", *(str(plan["exercises"].get(number, "–")) for plan in chosen)))
    whole = (f"**{total(found, plan):.0f}**" for plan in chosen)
    rows.append(("**together**", f"{sum(section.seconds for section in found):.0f}", *whole))
    # An empty cell is one space wide in the pages as they stand.
    return table("section | computing (s) | in 50 minutes | in 90 minutes", rows).replace("|  |", "| |")


def total(found: list[Section], plan: dict) -> float:
    """The minutes of a plan: the sections that it takes, and its exercises."""
    return sum(one.minutes for one in found if one.title in plan["sections"]) + sum(plan["exercises"].values())


def overview(sections: dict[str, list[Section]]) -> str:
    """The index's table: what each notebook takes when everything is taught."""
    rows = []
    for name, found in sections.items():
        computing = sum(section.seconds for section in found) / 60
        rows.append((f"[{name}]({name}.md)", f"{sum(section.minutes for section in found):.0f}", f"{computing:.1f}"))
    return table("notebook | everything, without exercises (minutes) | of which computing", rows)


if __name__ == "__main__":
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    sections = {path.stem: measured(path) for path in lessons([])}
    plans = tomllib.loads((TEACHING / "plans.toml").read_text(encoding="utf-8"))
    for name, plan in plans.items():
        fill(TEACHING / f"{name}.md", {"plan": plans_table(sections[name], plan)})
    fill(TEACHING / "index.md", {"lessons": overview(sections)})
