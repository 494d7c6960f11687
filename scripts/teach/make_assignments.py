"""Assignments for nbgrader, made from the lessons' exercises and from the notebooks of solutions.

python scripts/teach/make_assignments.py              build/nbgrader, a course with an assignment for each lesson
python scripts/teach/make_assignments.py 01 04        with two of them
python scripts/teach/make_assignments.py 01 --extra   and with the exercise that stands only in the teacher's page

Nothing is kept twice: texts and stubs are the lessons', answers those of notebooks/solutions, and judges the library's.
docs/teaching/nbgrader.md says what to do with the folder.
"""

import argparse
import ast
import re
import textwrap
from dataclasses import dataclass
from pathlib import Path

import nbformat

from tutorial_lib.__main__ import notebooks
from tutorial_lib.storage import expanded

TOP = Path(__file__).parent.parent.parent
NOTEBOOKS = TOP / "notebooks"
TEACHING = TOP / "docs" / "teaching"
BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
JUDGES = {"exercises": "tutorial_lib.exercises", "extra": "tutorial_lib.exercises.extra"}

STUDENTS = """\
# {title}: exercises

Write your answers where the `...` stand, and run the cells: the judge says at once whether an answer is right, or
what is wrong, as often as you ask. Then save this notebook under the name that it has, and hand it in. The short
cell below each answer gives {points} when the judge calls it right: it fails until then, and is not yours to change,
to copy or to delete. Keep the names of the functions; cells of your own may come anywhere. What an exercise calls
*above* stands in the lesson, notebook {number}."""

# Not the names that cells above could have redefined, nor the modules that they could have patched.
MARKS = """\
# {points} if the judge, imported afresh, calls `{function}` right. Please leave this cell as it is.
import contextlib, importlib, io, sys

for module in [module for module in sys.modules if module.split(".")[0] == "tutorial_lib"]:
    del sys.modules[module]
with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
    verdict = importlib.import_module("{module}").{check}({function})
if verdict.state != "right":
    raise AssertionError(verdict)"""

CONFIG = """\
# Made once by scripts/teach/make_assignments.py, which never writes over it: change what you like.
import os
import sys

# nbgrader calls alembic by its name, also where the environment beside this Python has not been activated.
os.environ["PATH"] = os.path.dirname(sys.executable) + os.pathsep + os.environ.get("PATH", "")

c = get_config()
c.CourseDirectory.course_id = "tutorial-lib"
c.ClearSolutions.code_stub = {"python": "..."}  # what the judge calls open, as in the lessons
c.Execute.timeout = 60  # seconds a cell may take; an answer that never ends costs this twice
# Which student a collected file is from: anna_01_invariance.ipynb, anna/01_invariance.ipynb, and Moodle's longer names.
c.FileNameCollectorPlugin.named_regexp = (
    r"(?:.*[/\\\\])?(?P<student_id>[^/\\\\]+?)(?:_\\d+_assignsubmission_file_?[/\\\\]?|_|[/\\\\])(?P<file_id>\\d\\d_[a-z_]+)"
)
"""


@dataclass(frozen=True)
class Exercise:
    """One exercise, as students and the one who marks need it.

    Attributes:
        name: such as "1.1", or "1.s" for an extra one.
        text: its words, in Markdown, with the hint.
        cell: the stub with the answer in it, between two marks.
        function: the name of the function that is asked for.
        module: where its judge is.
        check: what its judge is called there.
        imports: what the answer needs besides what the lesson's answers need.
    """

    name: str
    text: str
    cell: str
    function: str
    module: str
    check: str
    imports: str = ""


def solutions(lesson: Path) -> tuple[str, dict[str, str]]:
    """What the answers of a lesson import, and each answer's cell by the name of its judge.

    Args:
        lesson: its notebook.

    Returns:
        Python, and Python by names such as "check_1_1".

    Raises:
        SystemExit: a cell is neither imports nor an answer.
    """
    book = nbformat.read(lesson.parent / "solutions" / f"{lesson.stem[:2]}_solutions.ipynb", 4)
    first, *others = [cell.source for cell in book.cells if cell.cell_type == "code"]
    if not all(isinstance(node, ast.Import | ast.ImportFrom) for node in ast.parse(first).body):
        raise SystemExit(f"the first code cell of {lesson.stem[:2]}_solutions.ipynb should only import")
    return first, {judged(source, lesson.stem).attr: source for source in others}


def judged(source: str, where: str) -> ast.Attribute:
    """The judge that the last line of a cell calls.

    Args:
        source: Python, which ends in a call such as `exercises.check_1_1(rotate)`.
        where: what to call the cell if it does not.

    Returns:
        The node of `exercises.check_1_1`.

    Raises:
        SystemExit: the last line is something else.
    """
    call = ast.parse(source).body[-1]
    match call:
        case ast.Expr(ast.Call(ast.Attribute(ast.Name(name)) as judge, [ast.Name()])) if name in JUDGES:
            return judge
    raise SystemExit(f"{where}: a cell ends in `{ast.unparse(call)}`, and should in `exercises.check_N_M(name)`")


def with_answer(stub: str, answer: str, where: str) -> str:
    """The stub with the body of the answer, between two marks, where its `...` stands.

    Args:
        stub: a function whose body ends in `...`, and whatever else its cell holds.
        answer: the function of that name with those arguments.
        where: what to call the exercise if they do not fit.

    Returns:
        Python, from which nbgrader makes the stub again.

    Raises:
        SystemExit: the two are not one function, or the answer needs more than imports beside it.
    """
    (asked,) = [node for node in ast.parse(stub).body if isinstance(node, ast.FunctionDef)]
    beside = [node for node in ast.parse(answer).body if not isinstance(node, ast.Import | ast.ImportFrom | ast.Expr)]
    if len(beside) != 1 or not isinstance(beside[0], ast.FunctionDef):
        raise SystemExit(f"{where}: the answer is not one function, and what it needs has to be inside")
    (given,) = beside
    names = [f"{function.name}({ast.unparse(function.args)})" for function in (asked, given)]
    if names[0] != names[1]:
        raise SystemExit(f"{where}: the exercise asks for {names[0]}, and the answer is {names[1]}")
    hole = asked.body[-1]
    if ast.unparse(hole) != "...":
        raise SystemExit(f"{where}: the stub ends in `{ast.unparse(hole)}`, and should in `...`")
    told = ast.get_docstring(given) is not None
    start = given.body[0].end_lineno if told else given.body[0].lineno - 1
    body = textwrap.dedent("\n".join(answer.splitlines()[start : given.end_lineno]))
    lines = stub.splitlines()
    lines[hole.lineno - 1 : hole.end_lineno] = textwrap.indent(f"{BEGIN}\n{body}\n{END}", "    ").splitlines()
    return "\n".join(lines)


def living_links(text: str) -> str:
    """The text without links to files that students do not get; the glossary goes along.

    Args:
        text: Markdown.

    Returns:
        Markdown, in which the words of such links are left.
    """

    def link(found: re.Match) -> str:
        words, place = found.groups()
        if re.match(r"\w+:", place) or place.startswith("#"):
            return found[0]
        path, _, anchor = place.partition("#")
        return f"[{words}](glossary.md#{anchor})" if Path(path).name == "glossary.md" else words

    return re.sub(r"\[([^\]]*)\]\(([^)\s]+)\)", link, text)


def exercise(text: str, stub: str, answer: str, where: str) -> Exercise:
    """An exercise from its parts.

    Args:
        text: Markdown, in which it begins at its own number, in bold.
        stub: its cell.
        answer: the cell of its solution.
        where: what to call it if something is missing.

    Returns:
        The exercise.

    Raises:
        SystemExit: the parts do not fit.
    """
    judge = judged(stub, where)
    name = judge.attr.removeprefix("check_").replace("_", ".")
    begin = re.search(rf"^\*\*{re.escape(name)}\b", text, flags=re.MULTILINE)
    if begin is None:
        raise SystemExit(f"{where}: no text before the stub begins with **{name}")
    imports = [n for n in ast.parse(answer).body if isinstance(n, ast.Import | ast.ImportFrom)]
    return Exercise(
        name,
        living_links(text[begin.start() :].strip()),
        with_answer(stub, answer, f"exercise {name}"),
        ast.parse(stub).body[-1].value.args[0].id,
        JUDGES[judge.value.id],
        judge.attr,
        "\n".join(ast.unparse(node) for node in imports),
    )


def exercises_of(lesson: Path) -> list[Exercise]:
    """The exercises at the end of a lesson.

    Args:
        lesson: its notebook; the solutions' are in the folder beside it.

    Returns:
        Them, in their order.

    Raises:
        SystemExit: there are none, or an exercise and its solution do not fit.
    """
    cells = nbformat.read(lesson, 4).cells
    (begin,) = [i for i, cell in enumerate(cells) if re.search("^## Exercises$", cell.source, flags=re.MULTILINE)]
    _, answers = solutions(lesson)
    found = []
    for before, cell in zip(cells[begin:], cells[begin + 1 :], strict=False):
        if cell.cell_type == "code":
            check = judged(cell.source, lesson.stem).attr
            if check not in answers:
                raise SystemExit(f"{lesson.stem}: there is no solution for {check}")
            found.append(exercise(before.source, cell.source, answers[check], lesson.stem))
    return found


def extra_of(page: Path) -> Exercise:
    """The extra exercise of a lesson, which students have not seen.

    Args:
        page: the teacher's, with a section `## An extra exercise`: a text, a stub, and a solution, folded.

    Returns:
        It.

    Raises:
        SystemExit: there is no such page or section, or a block is missing.
    """
    needed = "`## An extra exercise` with a text, a ```python block, and one in <details><summary>Solution</summary>"
    written = page.read_text(encoding="utf-8") if page.exists() else ""
    section = re.search(r"^## An extra exercise\n(.*?)(?=^## |\Z)", written, flags=re.MULTILINE | re.DOTALL)
    block = r"```python\n(.*?)\n```"
    parts = section and re.search(rf"(.*?){block}.*?<summary>Solution</summary>.*?{block}", section[1], flags=re.DOTALL)
    if not parts:
        raise SystemExit(f"no extra exercise in {page.name}: a page in {page.parent.name}/ needs {needed}")
    return exercise(*parts.groups(), page.name)


def counted(points: int) -> str:
    """A number of points in words."""
    return f"{points} point" if points == 1 else f"{points} points"


def assignment(lesson: Path, *, points: int, extra: bool) -> nbformat.NotebookNode:
    """The source of an assignment, with answers and with the cells that give points.

    Args:
        lesson: its notebook.
        points: how many for each exercise.
        extra: whether the teacher's exercise is one more.

    Returns:
        A notebook for `nbgrader generate_assignment`.

    Raises:
        SystemExit: something is missing, or does not fit.
    """
    found = exercises_of(lesson) + ([extra_of(TEACHING / f"{lesson.stem}.md")] if extra else [])
    title = nbformat.read(lesson, 4).cells[0].source.splitlines()[0].removeprefix("# ")
    number = lesson.stem[:2]
    needed, _ = solutions(lesson)
    extra = [line for one in found for line in one.imports.splitlines() if line not in needed]
    imports = "\n".join([needed, *dict.fromkeys(extra)])
    head = STUDENTS.format(title=title, points=counted(points), number=number)
    cells = [nbformat.v4.new_markdown_cell(head, id="students"), nbformat.v4.new_code_cell(imports, id="imports")]
    for one in found:
        place = one.name.replace(".", "-")
        marks = MARKS.format(points=counted(points), function=one.function, module=one.module, check=one.check)
        answer = {"grade": False, "locked": False, "solution": True}
        graded = {"grade": True, "locked": True, "solution": False, "points": points}
        cells += [
            nbformat.v4.new_markdown_cell(one.text, id=f"text-{place}"),
            _code(one.cell, f"answer-{place}", answer),
            # The tag lets "Run All" go on below an exercise that is still open.
            _code(marks, f"marks-{place}", graded, tags=["raises-exception"]),
        ]
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel, "language_info": {"name": "python"}})


def _code(source: str, name: str, marks: dict, **metadata) -> nbformat.NotebookNode:
    nbgrader = {"grade_id": name, "schema_version": 3, "task": False, **marks}
    return nbformat.v4.new_code_cell(source, id=name, metadata={"nbgrader": nbgrader, **metadata})


def export(lessons: list[Path], out: Path, *, points: int, extra: bool) -> None:
    """Write a course folder; a configuration that is there stays, and so does what nbgrader made.

    Args:
        lessons: their notebooks.
        out: the folder.
        points: how many for each exercise.
        extra: whether the teachers' exercises go along.

    Returns:
        Nothing.

    Raises:
        SystemExit: something is missing, or does not fit; nothing is written then.
    """
    made = {lesson.stem: assignment(lesson, points=points, extra=extra) for lesson in lessons}
    glossary = living_links((NOTEBOOKS / "glossary.md").read_text(encoding="utf-8"))
    for name, book in made.items():
        folder = out / "source" / name
        folder.mkdir(parents=True, exist_ok=True)
        nbformat.write(book, folder / f"{name}.ipynb")
        (folder / "glossary.md").write_text(glossary, encoding="utf-8")
    if not (out / "nbgrader_config.py").exists():
        (out / "nbgrader_config.py").write_text(CONFIG, encoding="utf-8")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lessons", nargs="*", metavar="NN", help="numbers of lessons, such as 01; all if none is given")
    parser.add_argument(
        "--out", type=expanded, default=TOP / "build" / "nbgrader", help="folder (default: build/nbgrader)"
    )
    parser.add_argument("--points", type=int, default=1, help="for each exercise (default: 1)")
    parser.add_argument("--extra", action="store_true", help="add the exercise of docs/teaching/NN_name.md")
    asked = parser.parse_args()
    if asked.points < 1:
        raise SystemExit(f"--points {asked.points}: an exercise gives one point at least")
    lessons = notebooks(asked.lessons)
    export(lessons, asked.out, points=asked.points, extra=asked.extra)
    print(f"{len(lessons)} in {asked.out / 'source'}: go to {asked.out}, and there")
    for lesson in lessons:
        print(f"nbgrader generate_assignment {lesson.stem}")


if __name__ == "__main__":
    main()
