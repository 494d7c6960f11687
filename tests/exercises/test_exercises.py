"""The graders are graded: wrong answers meet the hint written for them, right ones pass, anything gets a sentence."""

import re
from importlib import import_module

import nbformat
import numpy as np
import pytest
import torch
from books import SOLUTIONS, TOP, run
from torch import Generator
from wrong_answers import ALSO_RIGHT, ANSWERS, CALL, PAGES, WRONG, blocks

from tutorial_lib import exercises
from tutorial_lib.course.runs import lessons
from tutorial_lib.exercises import extra, grader

CHECKS = {
    name.removeprefix("check_").replace("_", "."): getattr(part, name)
    for part in (exercises, extra)
    for name in part.__all__
}
each_exercise = pytest.mark.parametrize("number", CHECKS)


def hints_of(number):
    return grader.HINTS | import_module(CHECKS[number].__module__).HINTS


def hint(number, name):
    return hints_of(number).get(f"{number} {name}") or hints_of(number)[name]


def replayed(outputs):
    """An answer that gives these, one a trial."""
    left = iter(outputs)
    return lambda *_: next(left).detach().clone()


def mistakes(number):
    """The known mistakes of an exercise: hint, sentence, and an answer that makes the mistake on every trial."""
    trials = list(getattr(CHECKS[number], "trials", lambda generator: [])(Generator().manual_seed(0)))
    for columns in zip(*(known for _, _, *known in trials), strict=True):
        for outputs in zip(*(column[2:] for column in columns), strict=False):
            yield *columns[0][:2], replayed(outputs)


@each_exercise
def test_a_known_mistake_is_named_and_meets_its_hint(number):
    for name, sentence, answer in mistakes(number):
        verdict = CHECKS[number](answer)
        assert (verdict.state, verdict.sentence, verdict.hint) == ("wrong", sentence, hint(number, name))


@pytest.mark.parametrize("number", WRONG)
def test_a_tempting_wrong_answer_meets_the_hint_written_for_it(number):
    for answer, name in WRONG[number]:
        verdict = CHECKS[number](answer)
        assert (verdict.state, verdict.hint) == ("wrong", hint(number, name)), (name, verdict)
        assert repr(verdict).startswith(f"{number} · not yet: ")
        assert verdict.hint in repr(verdict)


@pytest.mark.parametrize(
    "number",
    [
        "1.s",
        "2.s",
        "4.4",
        "6.2",
        "6.4",
        "7.2",
        "7.3",
        "7.4",
        "7.s",
        "8.4",
        "9.s",
        "10.s",
        "12.1",
        "12.3",
        "12.4",
        "12.s",
    ],
)
def test_an_unknown_mistake_meets_the_last_hint(number):
    trials = CHECKS[number].trials(Generator().manual_seed(0))
    verdict = CHECKS[number](replayed(0.7 * right + 0.011 for _, right, *_ in trials))
    assert (verdict.sentence, verdict.hint) == (hint(number, "wrong"), hint(number, "other"))


@each_exercise
def test_right_answers_written_differently_are_accepted(number):
    for answer in (ANSWERS[number], *ALSO_RIGHT.get(number, [])):
        verdict = CHECKS[number](answer)
        assert verdict.state == "right", verdict
        assert repr(verdict) == f"{number} · right: {hint(number, 'right')}"


@each_exercise
def test_every_hint_is_met(number):
    met = {name for name, *_ in mistakes(number)} | {name for _, name in WRONG.get(number, [])}
    asked = {name.split(" ", 1)[1] for name in hints_of(number) if name.startswith(f"{number} ")}
    assert asked - met <= {"right", "wrong", "other"}


def written(body):
    """An answer with a source that Python can show."""
    return run(f"def answer(*inputs):\n    {body}\n", {})["answer"]


STUBS = ["...", '"""What to write."""\n    ...', "raise NotImplementedError", "pass", "list(inputs)\n    return ..."]


@each_exercise
def test_a_stub_is_open_and_blocks_nothing(number):
    for answer in (*map(written, STUBS), ..., lambda *inputs: ...):
        verdict = CHECKS[number](answer)
        assert (verdict.state, verdict.hint) == ("open", "")
        assert "· open: nothing is returned yet" in repr(verdict)


BAD = [
    (None, "None arrived", "no function"),
    (torch.zeros(3), "type Tensor arrived", "no function"),
    (written("raise KeyError('Q')"), "it raises KeyError: 'Q'", "raises"),
    (written("raise SystemExit"), "it raises SystemExit.", "raises"),
    (lambda: 1, "it raises TypeError", "raises"),
    (written("list(inputs)"), "it returns None", "no return"),
    (eval("lambda *inputs: None"), "it returns None", "no return"),  # Python cannot show its source
    (lambda *inputs: np.zeros((5, 3)), "a NumPy array", "numpy"),
    (lambda *inputs: np.float64(1), "a NumPy array", "numpy"),
    (lambda *inputs: [1.0], "type list", "no tensor"),
    (lambda *inputs: torch.zeros(7, 7, 7, dtype=torch.float64), "(7, 7, 7)", "shape"),
]


@each_exercise
def test_anything_may_be_handed_in_and_a_sentence_comes_back(number):
    torch.manual_seed(3)
    before = torch.random.get_rng_state()
    for answer, sentence, name in BAD:
        verdict = CHECKS[number](answer)
        assert (verdict.state, verdict.hint) == ("wrong", hint(number, name)), sentence
        assert sentence in verdict.sentence
        assert CHECKS[number](answer) == verdict, "the same twice"
    assert torch.equal(torch.random.get_rng_state(), before), "the reader's generator is left alone"


@each_exercise
def test_numbers_of_another_kind_are_told_apart(number):
    answer = ANSWERS[number]
    verdict = CHECKS[number](lambda *inputs: answer(*inputs).to(torch.complex64))
    assert number in ("8.4",) or verdict.hint == hint(number, "dtype")


@pytest.mark.parametrize("number", [number for number in CHECKS if number[-1] != "s"])
def test_a_notebook_asks_its_solutions_answer_and_no_hint_holds_the_answer(number):
    chapter = number.split(".")[0].zfill(2)
    question, answer = (
        next(
            cell
            for cell in nbformat.read(book, 4).cells
            if cell.cell_type == "code" and f"exercises.check_{number.replace('.', '_')}(" in cell.source
        )
        for book in (
            next((TOP / "notebooks").glob(f"{chapter}_*.ipynb")),
            TOP / f"notebooks/solutions/{chapter}_solutions.ipynb",
        )
    )
    assert re.search(r"^    \.\.\.$", question.source, flags=re.MULTILINE)
    assert f"{number} · open" in question.outputs[0].data["text/plain"]
    assert f"{number} · right" in answer.outputs[-1].data["text/plain"]
    signatures, solved = (
        [line for line in cell.source.splitlines() if line.startswith("def ")] for cell in (question, answer)
    )
    assert signatures == solved[-1:], "the reader's function and the solution have one signature"
    words = " ".join(text for name, text in hints_of(number).items() if name.startswith(number))
    for body in re.findall(r"def \w+\(.*?\):\n(.*?)(?=\n\S|\Z)", answer.source, flags=re.DOTALL):
        assert not any(expression in words for expression in re.findall(r"return (.+)", body))


def test_solutions_hold_only_the_answers_with_their_reasons():
    for path in SOLUTIONS:
        book = nbformat.read(path, 4).cells
        code = [cell.source for cell in book if cell.cell_type == "code"]
        assert all("import" in source or "exercises.check_" in source for source in code), path.stem
        before = [book[index - 1] for index, cell in enumerate(book) if "exercises.check_" in cell.source]
        assert all(cell.cell_type == "markdown" and len(cell.source.split()) > 20 for cell in before), path.stem


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_asks_its_extra_exercise_with_a_stub(page):
    stub, answer = blocks(page)
    call = CALL.search(stub)
    assert call[1].replace("_", ".") == f"{int(page.stem[:2])}.s"
    assert re.search(rf"^def {call[2]}\(.*\):", stub, flags=re.MULTILINE)[0] in answer, "one signature"
    assert re.search(r"^    \.\.\.$", stub, flags=re.MULTILINE)
    assert CHECKS[f"{int(page.stem[:2])}.s"](run(CALL.sub("", stub), {})[call[2]]).state == "open"


def test_every_notebook_has_an_extra_exercise_and_none_asks_it():
    assert {number for number in CHECKS if number[-1] == "s"} == {f"{int(page.stem[:2])}.s" for page in PAGES}
    assert [page.stem for page in PAGES] == [path.stem for path in lessons([])]
    for path in (TOP / "notebooks").rglob("*.ipynb"):
        assert not re.search(r"check_\d+_s", path.read_text(encoding="utf-8")), path.stem
