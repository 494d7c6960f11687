"""The teacher's pages: plans that add up, mistakes that the graders know, and every part that a teacher looks for."""

import functools
import importlib
import re
import tomllib

import nbformat
import pytest

from scripts.publish import make_plans as plans
from scripts.publish.pages import with_blocks
from tutorial_lib import exercises

CHOSEN = tomllib.loads((plans.TEACHING / "plans.toml").read_text(encoding="utf-8"))
LESSONS = {path.stem: path for path in plans.lessons([])}
PARTS = "Goals, Before the lesson, A plan, What students believe, To discuss, What to skip, An extra exercise"
each_lesson = pytest.mark.parametrize("name", LESSONS)


@functools.cache
def measured(name):
    return plans.measured(LESSONS[name])


def page(name):
    return (plans.TEACHING / f"{name}.md").read_text(encoding="utf-8")


@each_lesson
def test_a_plan_fits_into_its_lesson_and_fills_it_and_the_longer_one_holds_the_shorter(name):
    short, long = (CHOSEN[name][length] for length in plans.LENGTHS)
    for length, plan in zip(plans.LENGTHS, (short, long), strict=True):
        assert 0.8 * int(length) <= plans.total(measured(name), plan) <= int(length)
        assert plan["exercises"], "no lesson without an exercise"
    assert set(short["sections"]) <= set(long["sections"])
    assert set(short["exercises"]) <= set(long["exercises"])


@each_lesson
def test_a_page_has_every_part_in_order_and_the_computed_plan(name):
    assert ", ".join(re.findall(r"^## (.+)$", page(name), flags=re.MULTILINE)) == PARTS
    assert page(name).startswith(f"# Teaching {name[:2]} · ")
    made = {"plan": plans.plans_table(measured(name), CHOSEN[name])}
    assert with_blocks(page(name), made) == page(name), "run python scripts/publish/make_plans.py"


def test_every_notebook_has_its_plans_and_the_index_the_computed_table():
    assert list(CHOSEN) == list(LESSONS)
    made = {"lessons": plans.overview({name: measured(name) for name in LESSONS})}
    assert with_blocks(page("index"), made) == page("index"), "run python scripts/publish/make_plans.py"


@each_lesson
def test_each_mistake_is_one_that_a_grader_knows(name):
    mistakes = re.findall(r"\| (\d+\.\d), \*([\w ]+)\* \|", page(name))
    asked = {check.removeprefix("check_").replace("_", ".") for check in exercises.__all__}
    assert len(mistakes) >= 6
    assert {number for number, _ in mistakes} == {one for one in asked if int(one.split(".")[0]) == int(name[:2])}
    for number, hint in mistakes:
        check = getattr(exercises, f"check_{number.replace('.', '_')}")
        assert f"{number} {hint}" in importlib.import_module(check.__module__).HINTS


def test_a_plan_that_names_no_section_is_refused():
    plan = {"sections": ["A section that is gone"], "exercises": {}}
    with pytest.raises(ValueError, match="A section that is gone"):
        plans.plans_table(measured("04_tetris"), {"50": plan, "90": plan})


def test_a_section_is_counted_with_its_words_code_predictions_and_figures():
    cells = [
        nbformat.v4.new_markdown_cell("# A title\n\nthree more words"),
        nbformat.v4.new_code_cell("1\n\n2", id="one"),
        nbformat.v4.new_markdown_cell("*Figure: a dot.*\n\n## Why?\n\n*Because.*\n\n> **Predict.** How many?"),
        nbformat.v4.new_code_cell("3", id="two"),
        nbformat.v4.new_markdown_cell("## Exercises\n\n" + 100 * "words "),
    ]
    opening, why = plans.sections(nbformat.v4.new_notebook(cells=cells), {"one": 1, "two": 60})
    assert opening.amounts == {"word": 8, "line of code": 2, "figure": 1}
    assert (why.title, why.seconds, why.amounts["Predict"]) == ("Why?", 60, 1)
    assert why.minutes == pytest.approx(1 + 5 / 120 + 1 / 12 + 2)
