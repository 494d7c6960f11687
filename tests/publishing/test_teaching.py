"""The teacher's pages: plans that add up, mistakes that the judges know, and every part that a teacher looks for."""

import functools
import importlib
import re
import tomllib

import nbformat
import pytest

from scripts.publish import make_plans as plans
from tutorial_lib import exercises

CHOSEN = tomllib.loads((plans.TEACHING / "plans.toml").read_text(encoding="utf-8"))
LESSONS = plans.notebooks([])
PARTS = ["Goals", "Before the lesson", "A plan", "What students believe", "To discuss", "What to skip",
         "An extra exercise"]  # fmt: skip
each_lesson = pytest.mark.parametrize("name", [path.stem for path in LESSONS])
each_plan = pytest.mark.parametrize(
    ("name", "length"), [(path.stem, length) for path in LESSONS for length in plans.LENGTHS]
)


@functools.cache
def seconds(name):
    return plans.seconds_of(plans.notebooks([name])[0])


@functools.cache
def sections(name):
    return plans.sections(nbformat.read(plans.notebooks([name])[0], 4))


def page(name):
    return (plans.TEACHING / f"{name}.md").read_text(encoding="utf-8")


@each_plan
def test_a_plan_fits_into_its_lesson_and_fills_it(name, length):
    minutes = plans.total(sections(name), seconds(name), CHOSEN[name][length])
    assert 0.8 * int(length) <= minutes <= int(length)
    assert CHOSEN[name][length]["exercises"], "no lesson without an exercise"


@each_lesson
def test_the_longer_lesson_holds_the_shorter_one(name):
    short, long = (CHOSEN[name][length] for length in plans.LENGTHS)
    assert set(short["sections"]) <= set(long["sections"])
    assert set(short["exercises"]) <= set(long["exercises"])


@each_lesson
def test_the_plan_on_the_page_is_the_computed_one(name):
    made = {"plan": plans.table(sections(name), seconds(name), CHOSEN[name])}
    assert plans.with_blocks(page(name), made) == page(name), "run python scripts/publish/make_plans.py"


def test_every_notebook_has_its_plans_and_every_section_its_seconds():
    assert list(CHOSEN) == [path.stem for path in LESSONS]
    for path in LESSONS:
        assert list(seconds(path.stem)) == [section.title for section in sections(path.stem)]


def test_the_index_has_the_computed_table():
    text = (plans.TEACHING / "index.md").read_text(encoding="utf-8")
    names = [path.stem for path in LESSONS]
    table = plans.overview({name: sections(name) for name in names}, {name: seconds(name) for name in names})
    made = {"lessons": table}
    assert plans.with_blocks(text, made) == text, "run python scripts/publish/make_plans.py"


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
        plans.table(sections("04_tetris"), seconds("04_tetris"), {"50": plan, "90": plan})


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
