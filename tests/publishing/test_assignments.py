"""Assignments for nbgrader are made, handed out, handed in by good, bad and crafty students, and marked."""

import copy
import html
import json
import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import nbformat
import pytest
from books import LESSONS, each_lesson, run

from scripts.teach import make_assignments as script
from tutorial_lib import exercises
from tutorial_lib.exercises import invariance

POINTS = 2
FIRST, SECOND = LESSONS[:2]
NAME = FIRST.stem
GRADES = """
import json, sys
from nbgrader.api import Gradebook

with Gradebook("sqlite:///gradebook.db") as book:
    found = book.assignment_submissions(sys.argv[1])
    print(json.dumps({s.student.id: {g.name: g.score for n in s.notebooks for g in n.grades} for s in found}))
"""
RIGHT_VERDICT = "class Right:\n    state = 'right'\n"
REDEFINES = (
    RIGHT_VERDICT
    + "class exercises:\n    check_1_1 = check_1_2 = check_1_3 = check_1_4 = staticmethod(lambda f: verdict)\n"
    "verdict = Right()\nimportlib, AssertionError = exercises, SystemExit"
)
PATCHES = (
    RIGHT_VERDICT + "from tutorial_lib.exercises import grader, invariance\n"
    "grader.Verdict.state = 'right'\ngrader.close = invariance.close = lambda *x, **y: True\n"
    "for name in exercises.__all__:\n    setattr(exercises, name, lambda f: Right())"
)


def needs_nbgrader(function):
    """Mark a test that runs nbgrader's commands."""
    missing = pytest.mark.skipif(find_spec("nbgrader") is None, reason="nbgrader is not installed (extra `teach`)")
    return pytest.mark.slow(missing(function))


def assignment(path, extra=False):
    return script.assignment(path, points=POINTS, extra=extra)


def nbgrader(folder, *words, check=True):
    """Run a command of nbgrader as somebody does who has not activated the environment."""
    places = [p for p in os.environ["PATH"].split(os.pathsep) if Path(p) != Path(sys.executable).parent]
    paths = [str(script.TOP), os.environ.get("PYTHONPATH", "")]
    kept = {f"JUPYTER_{kind}_DIR": str(folder / "jupyter" / kind) for kind in ("CONFIG", "RUNTIME")}
    env = os.environ | kept | {"PATH": os.pathsep.join(places), "PYTHONPATH": os.pathsep.join(paths)}
    done = subprocess.run([sys.executable, *words], cwd=folder, env=env, capture_output=True, text=True)
    assert done.returncode == 0 or not check, done.stderr
    return done


def released(folder, name):
    return nbformat.read(folder / "release" / name / f"{name}.ipynb", 4)


def hand_in(folder, name, student, answers, first=""):
    """Put a student's notebook where it is collected: other answers in it, and a cell of the student's own."""
    book = copy.deepcopy(released(folder, name))
    for cell in book.cells:
        if cell.id in answers:
            cell.source = answers[cell.id]
    if first:
        book.cells.insert(2, nbformat.v4.new_code_cell(first))
    target = folder / "submitted" / student / name
    target.mkdir(parents=True)
    nbformat.write(book, target / f"{name}.ipynb")


def right_answers(path, extra=False):
    cells = [cell for cell in assignment(path, extra).cells if cell.id.startswith("answer")]
    return {cell.id: re.sub(rf" *{script.BEGIN}\n| *{script.END}\n?", "", cell.source) for cell in cells}


def grades(folder, name):
    return json.loads(nbgrader(folder, "-c", GRADES, name).stdout)


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """A course with one assignment, handed out, handed in by seven students, and marked by one command."""
    folder = tmp_path_factory.mktemp("course")
    script.export([FIRST], folder, points=POINTS, extra=False)
    nbgrader(folder, "-m", "nbgrader", "generate_assignment", NAME)
    right = right_answers(FIRST)
    wrong = {
        "answer-1-1": right["answer-1-1"].replace("x @ Q.mT", "x @ Q"),
        "answer-1-2": right["answer-1-2"].replace("return -slope", "retrun -slope"),
    }
    warns = "    import warnings; warnings.warn('hm')\n    return"
    noisy = {"answer-1-1": right["answer-1-1"].replace("    return", warns)}
    hand_in(folder, NAME, "a_kernel_that_dies", right, first="import os\nos._exit(0)")
    hand_in(folder, NAME, "crash", {name: f"import torhc\n\n{source}" for name, source in right.items()})
    hand_in(folder, NAME, "empty", {})
    hand_in(folder, NAME, "patches", {}, first=PATCHES)
    hand_in(folder, NAME, "redefines", {}, first=REDEFINES)
    hand_in(folder, NAME, "right", right | noisy)
    hand_in(folder, NAME, "wrong", right | wrong)
    done = nbgrader(folder, "-m", "nbgrader", "autograde", NAME, check=False)
    return folder, done, grades(folder, NAME)


@each_lesson
def test_an_assignment_has_every_exercise_of_its_lesson_once_with_its_own_stub_and_words(path):
    book, cells = assignment(path), nbformat.read(path, 4).cells
    asked = [name.removeprefix("check_").replace("_", "-") for name in exercises.__all__]
    asked = [name for name in asked if name.split("-")[0] == str(int(path.stem[:2]))]
    marks = [cell.metadata.nbgrader for cell in book.cells if "nbgrader" in cell.metadata]
    assert [one.grade_id for one in marks] == [f"{kind}-{name}" for name in asked for kind in ("answer", "marks")]
    assert sum(one.get("points", 0) for one in marks) == POINTS * len(asked)
    nbformat.validate(book)
    for one in script.exercises_of(path):
        stub = re.sub(rf"{script.BEGIN}.*{script.END}", "...", one.cell, flags=re.DOTALL)
        assert stub in [cell.source for cell in cells]
        assert any(one.text.split("](")[0] in cell.source for cell in cells)
        assert "<details><summary>Hint</summary>" in one.text


def test_no_link_of_an_assignment_is_dead(tmp_path):
    script.export(LESSONS, tmp_path, points=1, extra=False)
    glossary = (script.NOTEBOOKS / "glossary.md").read_text(encoding="utf-8")
    headings = re.findall("^#+ (.*)", glossary, flags=re.MULTILINE)
    anchors = {"glossary.md#" + heading.lower().replace(" ", "-") for heading in headings}
    cells = [cell for path in tmp_path.rglob("*.ipynb") for cell in nbformat.read(path, 4).cells]
    prose = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    links = re.findall(r"\]\(([^)\s]+)\)", prose)
    assert len(links) >= 5
    assert set(links) <= anchors
    assert (tmp_path / "source" / NAME / "glossary.md").exists()
    made = script.living_links("[a](https://x.y/z) [b](../p.ipynb) [c](../n/glossary.md#d)")
    assert made == "[a](https://x.y/z) b [c](glossary.md#d)"


def test_making_a_course_again_keeps_what_a_teacher_wrote(tmp_path):
    script.export([FIRST], tmp_path, points=1, extra=False)
    (tmp_path / "nbgrader_config.py").write_text("mine")
    script.export([FIRST, SECOND], tmp_path, points=1, extra=False)
    assert (tmp_path / "nbgrader_config.py").read_text() == "mine"
    assert {path.name for path in (tmp_path / "source").iterdir()} == {NAME, SECOND.stem}


@pytest.mark.parametrize(
    ("words", "message"), [(["13"], "no notebook begins with '13'"), (["01", "--points", "0"], "one point at least")]
)
def test_what_cannot_be_made_is_said(monkeypatch, words, message):
    monkeypatch.setattr(sys, "argv", ["make_assignments.py", *words])
    with pytest.raises(SystemExit, match=message):
        script.main()


PAGE = """\
# Teaching 01

## An extra exercise

**1.s Twice.** Write the function that doubles *x*, as the [gradient](../../notebooks/glossary.md#gradient) would,
see [the plan](plans.toml).

```python
from tutorial_lib.exercises import extra


def twice(x):
    \"\"\"The double of x (n, 3).\"\"\"
    ...


extra.check_1_s(twice)
```

<details><summary>Solution</summary>

Add it to itself.

```python
import math


def twice(x):
    # Not x * 2.
    y = x

    return x + y
```

</details>

## Afterwards

Nothing.
"""


@pytest.fixture
def page(tmp_path, monkeypatch):
    monkeypatch.setattr(script, "TEACHING", tmp_path)
    path = tmp_path / f"{NAME}.md"
    path.write_text(PAGE, encoding="utf-8")
    return path


def test_an_extra_exercise_is_one_more(page):
    book = assignment(FIRST, extra=True)
    *others, text, answer, marks = book.cells
    assert others == assignment(FIRST).cells[:1] + others[1:]
    assert "import math" in others[1].source
    assert text.source.startswith("**1.s Twice.**")
    assert text.source.endswith("[gradient](glossary.md#gradient) would,\nsee the plan.")
    assert answer.source == (
        "from tutorial_lib.exercises import extra\n\n\n"
        'def twice(x):\n    """The double of x (n, 3)."""\n    ### BEGIN SOLUTION\n'
        "    y = x\n\n    return x + y\n    ### END SOLUTION\n\n\nextra.check_1_s(twice)"
    )
    assert 'importlib.import_module("tutorial_lib.exercises.extra").check_1_s(twice)' in marks.source
    assert [answer.metadata.nbgrader.grade_id, marks.metadata.nbgrader.grade_id] == ["answer-1-s", "marks-1-s"]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (PAGE, "", "no extra exercise in 01_invariance.md"),
        ("## An extra exercise", "## Something", "no extra exercise in 01_invariance.md"),
        ("<summary>Solution", "<summary>Answer", "one in <details>"),
        ("**1.s Twice", "**1.5 Twice", "begins with .*1.s"),
        ("extra.check_1_s(twice)", "print(twice)", "ends in `print"),
        ("def twice(x):\n    #", "def twice(y):\n    #", r"asks for twice\(x\), and the answer is twice\(y\)"),
        ("import math", "two = 2", "not one function"),
        ("    ...", "    pass", "the stub ends in `pass`"),
    ],
)
def test_an_extra_exercise_that_is_not_whole_is_said(page, old, new, message):
    assert old in PAGE
    page.write_text(PAGE.replace(old, new), encoding="utf-8")
    with pytest.raises(SystemExit, match=message):
        assignment(FIRST, extra=True)


@needs_nbgrader
def test_what_is_handed_out_holds_stubs_and_no_solution(course):
    folder, _, _ = course
    cells = [cell.source for cell in nbformat.read(FIRST, 4).cells]
    stubs = [cell for cell in released(folder, NAME).cells if cell.id.startswith("answer")]
    assert len(stubs) == 4
    for cell in stubs:
        assert cell.source in cells
        stub, last = cell.source.rsplit("\n", 1)
        assert eval(last, run(stub, {"exercises": exercises})).state == "open"
    written = (folder / "release" / NAME / f"{NAME}.ipynb").read_text(encoding="utf-8")
    bodies = [one.cell.split(script.BEGIN)[1].split(script.END)[0] for one in script.exercises_of(FIRST)]
    assert not any(json.dumps(body.strip().splitlines()[-1])[1:-1] in written for body in bodies)
    assert "SOLUTION" not in written
    locked = [cell.metadata for cell in released(folder, NAME).cells if cell.id.startswith("marks")]
    assert all(not cell.deletable and not cell.editable for cell in locked)


@needs_nbgrader
def test_right_wrong_and_empty_answers_get_what_they_deserve_and_a_lazy_cheat_gets_nothing(course):
    _, _, found = course
    every = [f"marks-1-{k}" for k in (1, 2, 3, 4)]
    assert found["right"] == dict.fromkeys(every, POINTS)  # although its answer warns
    assert found["wrong"] == dict(zip(every, (0, 0, POINTS, POINTS), strict=True))
    assert found["empty"] == dict.fromkeys(every, 0)
    assert sum(found["redefines"].values()) == sum(found["patches"].values()) == 0


@needs_nbgrader
def test_a_notebook_that_fails_gets_nothing_and_stops_nobody(course):
    _, done, found = course
    assert sum(found["crash"].values()) == sum(found["a_kernel_that_dies"].values()) == 0
    assert done.returncode == 1
    assert f"error processing assignment '{NAME}' for student 'a_kernel_that_dies'" in done.stderr
    assert done.stderr.count("error processing assignment '") == 1


@needs_nbgrader
def test_feedback_says_what_the_grader_said(course):
    folder, _, _ = course
    nbgrader(folder, "-m", "nbgrader", "generate_feedback", NAME, "--student=wrong")
    (page,) = (folder / "feedback").rglob("*.html")
    text = " ".join(html.unescape(re.sub(r"<[^>]+>", "", page.read_text(encoding="utf-8"))).split())
    assert "1.1 · not yet:" in text
    assert text.count(invariance.HINTS["1.1 inverse"]) >= 2, "the answer's cell says it, and the cell with the marks"
    assert f"Score: {2 * POINTS}.0 / {4 * POINTS}.0" in text


def test_collected_files_come_to_their_students():
    pattern = re.search(r'r"(.+)"\n', (script.HERE / "nbgrader_config.txt").read_text(encoding="utf-8"))[1]
    places = {
        f"anna_b_{NAME}.ipynb": "anna_b",
        f"bob/{NAME}.ipynb": "bob",
        f"Carl Muster_12345_assignsubmission_file_/{NAME}.ipynb": "Carl Muster",
        f"Dora Muster_12346_assignsubmission_file_{NAME}.ipynb": "Dora Muster",
    }
    found = [re.match(pattern, f"/downloaded/{NAME}/archive/{place}") for place in places]
    assert [one["student_id"] for one in found] == list(places.values())
    assert {one["file_id"] for one in found} == {NAME}


@needs_nbgrader
@pytest.mark.parametrize(
    "path", [pytest.param(p, id=p.stem, marks=[pytest.mark.smoke] if p.stem == NAME else []) for p in LESSONS]
)
def test_the_solutions_of_every_lesson_get_full_marks(path, tmp_path):
    script.export([path], tmp_path, points=POINTS, extra=True)
    nbgrader(tmp_path, "-m", "nbgrader", "generate_assignment", path.stem)
    hand_in(tmp_path, path.stem, "right", right_answers(path, extra=True))
    hand_in(tmp_path, path.stem, "empty", {})
    nbgrader(tmp_path, "-m", "nbgrader", "autograde", path.stem)
    found = grades(tmp_path, path.stem)
    assert set(found["right"].values()) == {POINTS}
    assert len(found["right"]) == len(script.exercises_of(path)) + 1
    assert set(found["empty"].values()) == {0}
