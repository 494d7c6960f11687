"""The teacher's pages: plans that add up, mistakes that the judges know, and every part that a teacher looks for."""

import importlib
import json
import re
import tomllib

import nbformat
import pytest

from scripts import make_plans as plans
from tutorial_lib import exercises

CHOSEN = tomllib.loads((plans.TEACHING / "plans.toml").read_text(encoding="utf-8"))
SECONDS = {path.stem: plans.seconds_of(path) for path in plans.notebooks([])}
SECTIONS = {path.stem: plans.sections(nbformat.read(path, 4)) for path in plans.notebooks([])}
PARTS = ["Goals", "Before the lesson", "A plan", "What students believe", "To discuss", "What to skip",
         "A spare exercise"]  # fmt: skip
each_lesson = pytest.mark.parametrize("name", SECTIONS)
each_plan = pytest.mark.parametrize(
    ("name", "length"), [(name, length) for name in SECTIONS for length in plans.LENGTHS]
)


def page(name):
    return (plans.TEACHING / f"{name}.md").read_text(encoding="utf-8")


@each_plan
def test_a_plan_fits_into_its_lesson_and_fills_it(name, length):
    minutes = plans.total(SECTIONS[name], SECONDS[name], CHOSEN[name][length])
    assert 0.8 * int(length) <= minutes <= int(length)
    assert CHOSEN[name][length]["exercises"], "no lesson without an exercise"


@each_lesson
def test_the_longer_lesson_holds_the_shorter_one(name):
    short, long = (CHOSEN[name][length] for length in plans.LENGTHS)
    assert set(short["sections"]) <= set(long["sections"])
    assert set(short["exercises"]) <= set(long["exercises"])


@each_lesson
def test_the_plan_on_the_page_is_the_computed_one(name):
    made = {"plan": plans.table(SECTIONS[name], SECONDS[name], CHOSEN[name])}
    assert plans.with_blocks(page(name), made) == page(name), "run python scripts/make_plans.py"


def test_every_notebook_has_its_plans():
    assert list(CHOSEN) == list(SECTIONS)


def test_the_index_has_the_computed_table():
    text = (plans.TEACHING / "index.md").read_text(encoding="utf-8")
    made = {"lessons": plans.overview(SECTIONS, SECONDS)}
    assert plans.with_blocks(text, made) == text, "run python scripts/make_plans.py"


@each_lesson
def test_the_seconds_are_those_of_this_notebook(name):
    assert list(SECONDS[name]) == [section.title for section in SECTIONS[name]]
    budget = json.loads((plans.TOP / "benchmarks" / "results" / "budget.json").read_text(encoding="utf-8"))
    ratio = (sum(SECONDS[name].values()) + 5) / (budget[name]["cpu_seconds"] + 5)
    assert 1 / 3 < ratio < 3, "two machines may differ in speed, but not by that much"


@each_lesson
def test_a_page_has_every_part_in_order(name):
    assert re.findall(r"^## (.+)$", page(name), flags=re.MULTILINE) == PARTS
    assert page(name).startswith(f"# Teaching {name[:2]} · ")


@each_lesson
def test_each_mistake_is_one_that_a_judge_knows(name):
    mistakes = re.findall(r"\| (\d+\.\d), \*([\w ]+)\* \|", page(name))
    asked = {judge.removeprefix("check_").replace("_", ".") for judge in exercises.__all__}
    assert len(mistakes) >= 6
    assert {number for number, _ in mistakes} == {
        number for number in asked if int(number.split(".")[0]) == int(name[:2])
    }
    for number, hint in mistakes:
        judge = getattr(exercises, f"check_{number.replace('.', '_')}")
        assert f"{number} {hint}" in importlib.import_module(judge.__module__).HINTS


def test_a_plan_that_names_no_section_is_refused():
    plan = {"sections": ["A section that is gone"], "exercises": {}}
    with pytest.raises(ValueError, match="A section that is gone"):
        plans.table(SECTIONS["04_tetris"], SECONDS["04_tetris"], {"50": plan, "90": plan})


def test_a_section_is_counted_with_its_words_code_predictions_and_figures():
    book = nbformat.v4.new_notebook(
        cells=[
            nbformat.v4.new_markdown_cell("# A title\n\nthree more words"),
            nbformat.v4.new_code_cell("1\n\n2"),
            nbformat.v4.new_markdown_cell("*Figure: a dot.*\n\n## Why?\n\n*Because.*\n\n> **Predict.** How many?"),
            nbformat.v4.new_code_cell("3"),
            nbformat.v4.new_markdown_cell("## Exercises\n\n" + 100 * "words "),
        ]
    )
    opening, why = plans.sections(book)
    assert opening.amounts == {"word": 8, "line of code": 2, "Predict": 0, "figure": 1}
    assert (why.title, why.cells, why.amounts["Predict"]) == ("Why?", [3], 1)
    assert why.minutes(60) == pytest.approx(1 + 5 / 120 + 1 / 12 + 2)
