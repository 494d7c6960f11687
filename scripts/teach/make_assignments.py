"""Assignments for nbgrader, made from the lessons' exercises and from the notebooks of solutions.

python scripts/teach/make_assignments.py              build/nbgrader, a course with an assignment for each lesson
python scripts/teach/make_assignments.py 01 04        with two of them
python scripts/teach/make_assignments.py 01 --extra   and with the exercise that stands only in the teacher's page

Nothing is kept twice: texts and stubs are the lessons', answers those of notebooks/solutions, graders the library's.
docs/teaching/nbgrader.md says what to do with the folder.
"""

import argparse
import ast
import re
import shutil
import textwrap
from dataclasses import dataclass
from pathlib import Path

import nbformat

from tutorial_lib.course.runs import lessons
from tutorial_lib.storage import expanded

HERE = Path(__file__).parent
TOP = HERE.parent.parent
NOTEBOOKS = TOP / "notebooks"
TEACHING = TOP / "docs" / "teaching"
BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
GRADERS = {"exercises": "tutorial_lib.exercises", "extra": "tutorial_lib.exercises.extra"}

# Not the names that cells above could have redefined, nor the modules that they could have patched.
MARKS = """\
# {points} if the grader, imported afresh, calls `{function}` right. Please leave this cell as it is.
import contextlib, importlib, io, sys

for module in [module for module in sys.modules if module.split(".")[0] == "tutorial_lib"]:
    del sys.modules[module]
with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
    verdict = importlib.import_module("{module}").{check}({function})
if verdict.state != "right":
    raise AssertionError(verdict)"""


@dataclass(frozen=True)
class Exercise:
    """One exercise: its words, the stub with the answer between two marks, and who judges the function asked for.

    `imports` is what the answer needs besides what the lesson's answers need; `name` is such as "1.1", or "1.s".
    """

    name: str
    text: str
    cell: str
    function: str
    module: str
    check: str
    imports: str


def is_import(node: ast.AST) -> bool:
    return isinstance(node, ast.Import | ast.ImportFrom)


def solutions(lesson: Path) -> tuple[str, dict[str, str]]:
    """What the answers of a lesson import, and each answer's cell by the name of its grader, such as "check_1_1"."""
    book = nbformat.read(lesson.parent / "solutions" / f"{lesson.stem[:2]}_solutions.ipynb", 4)
    first, *others = [cell.source for cell in book.cells if cell.cell_type == "code"]
    if not all(is_import(node) for node in ast.parse(first).body):
        raise SystemExit(f"the first code cell of {lesson.stem[:2]}_solutions.ipynb should only import")
    return first, {graded(source, lesson.stem).attr: source for source in others}


def graded(source: str, where: str) -> ast.Attribute:
    """The node of the grader that the last line of a cell calls, such as `exercises.check_1_1` with one name."""
    call = ast.parse(source).body[-1]
    match call:
        case ast.Expr(ast.Call(ast.Attribute(ast.Name(name)) as grader, [ast.Name()])) if name in GRADERS:
            return grader
    raise SystemExit(f"{where}: a cell ends in `{ast.unparse(call)}`, and should in `exercises.check_N_M(name)`")


def with_answer(stub: str, answer: str, where: str) -> str:
    """The stub with the body of the answer, between two marks, for its `...`: nbgrader makes the stub again."""
    (asked,) = [node for node in ast.parse(stub).body if isinstance(node, ast.FunctionDef)]
    beside = [node for node in ast.parse(answer).body if not (is_import(node) or isinstance(node, ast.Expr))]
    if len(beside) != 1 or not isinstance(beside[0], ast.FunctionDef):
        raise SystemExit(f"{where}: the answer is not one function, and what it needs has to be inside")
    (given,) = beside
    names = [f"{function.name}({ast.unparse(function.args)})" for function in (asked, given)]
    if names[0] != names[1]:
        raise SystemExit(f"{where}: the exercise asks for {names[0]}, and the answer is {names[1]}")
    hole = asked.body[-1]
    if ast.unparse(hole) != "...":
        raise SystemExit(f"{where}: the stub ends in `{ast.unparse(hole)}`, and should in `...`")
    documented = ast.get_docstring(given) is not None
    start = given.body[0].end_lineno if documented else given.body[0].lineno - 1
    body = textwrap.dedent("\n".join(answer.splitlines()[start : given.end_lineno]))
    lines = stub.splitlines()
    lines[hole.lineno - 1 : hole.end_lineno] = textwrap.indent(f"{BEGIN}\n{body}\n{END}", "    ").splitlines()
    return "\n".join(lines)


def living_links(text: str) -> str:
    """Markdown without links to files that students do not get; the glossary goes along."""

    def link(found: re.Match) -> str:
        words, place = found.groups()
        if re.match(r"\w+:", place) or place.startswith("#"):
            return found[0]
        path, _, anchor = place.partition("#")
        return f"[{words}](glossary.md#{anchor})" if Path(path).name == "glossary.md" else words

    return re.sub(r"\[([^\]]*)\]\(([^)\s]+)\)", link, text)


def exercise(text: str, stub: str, answer: str, where: str) -> Exercise:
    """An exercise from the Markdown in which it begins at its own number in bold, its cell and its solution's cell."""
    grader = graded(stub, where)
    name = grader.attr.removeprefix("check_").replace("_", ".")
    begin = re.search(rf"^\*\*{re.escape(name)}\b", text, flags=re.MULTILINE)
    if begin is None:
        raise SystemExit(f"{where}: no text before the stub begins with **{name}")
    return Exercise(
        name,
        living_links(text[begin.start() :].strip()),
        with_answer(stub, answer, f"exercise {name}"),
        ast.parse(stub).body[-1].value.args[0].id,
        GRADERS[grader.value.id],
        grader.attr,
        "\n".join(ast.unparse(node) for node in ast.parse(answer).body if is_import(node)),
    )


def exercises_of(lesson: Path) -> list[Exercise]:
    """The exercises at the end of a lesson, whose solutions are in the folder beside it."""
    cells = nbformat.read(lesson, 4).cells
    (begin,) = [i for i, cell in enumerate(cells) if re.search("^## Exercises$", cell.source, flags=re.MULTILINE)]
    _, answers = solutions(lesson)
    found = []
    for before, cell in zip(cells[begin:], cells[begin + 1 :], strict=False):
        if cell.cell_type == "code":
            check = graded(cell.source, lesson.stem).attr
            if check not in answers:
                raise SystemExit(f"{lesson.stem}: there is no solution for {check}")
            found.append(exercise(before.source, cell.source, answers[check], lesson.stem))
    return found


def extra_of(page: Path) -> Exercise:
    """The exercise on a teacher's page, which students have not seen: a text, a stub, and a solution, folded."""
    needed = "`## An extra exercise` with a text, a ```python block, and one in <details><summary>Solution</summary>"
    written = page.read_text(encoding="utf-8") if page.exists() else ""
    section = re.search(r"^## An extra exercise\n(.*?)(?=^## |\Z)", written, flags=re.MULTILINE | re.DOTALL)
    block = r"```python\n(.*?)\n```"
    parts = section and re.search(rf"(.*?){block}.*?<summary>Solution</summary>.*?{block}", section[1], flags=re.DOTALL)
    if not parts:
        raise SystemExit(f"no extra exercise in {page.name}: a page in {page.parent.name}/ needs {needed}")
    return exercise(*parts.groups(), page.name)


def assignment(lesson: Path, *, points: int, extra: bool) -> nbformat.NotebookNode:
    """What `nbgrader generate_assignment` takes: answers, and cells that give points, so many for each exercise."""
    found = exercises_of(lesson) + ([extra_of(TEACHING / f"{lesson.stem}.md")] if extra else [])
    title = nbformat.read(lesson, 4).cells[0].source.splitlines()[0].removeprefix("# ")
    needed, _ = solutions(lesson)
    more = [line for one in found for line in one.imports.splitlines() if line not in needed]
    # Hints name functions with their modules, such as `scipy.optimize.linear_sum_assignment`.
    named = [module for one in found for module in re.findall(r"`([\w.]+)\.\w+`", one.text)]
    more += [f"import {module}" for module in named if f"import {module.split('.')[0]}" not in needed]
    imports = "\n".join([needed, *dict.fromkeys(more)])
    counted = f"{points} point" if points == 1 else f"{points} points"
    head = (HERE / "students.md").read_text(encoding="utf-8").rstrip()
    head = head.format(title=title, points=counted, number=lesson.stem[:2])
    cells = [nbformat.v4.new_markdown_cell(head, id="students"), nbformat.v4.new_code_cell(imports, id="imports")]
    for one in found:
        place = one.name.replace(".", "-")
        marks = MARKS.format(points=counted, function=one.function, module=one.module, check=one.check)
        cells += [
            nbformat.v4.new_markdown_cell(one.text, id=f"text-{place}"),
            _code(one.cell, f"answer-{place}", grade=False, locked=False, solution=True),
            _code(marks, f"marks-{place}", grade=True, locked=True, solution=False, points=points),
        ]
        cells[-1].metadata["tags"] = ["raises-exception"]  # lets "Run All" go on below an exercise that is still open
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel, "language_info": {"name": "python"}})


def _code(source: str, name: str, **marks) -> nbformat.NotebookNode:
    nbgrader = {"grade_id": name, "schema_version": 3, "task": False, **marks}
    return nbformat.v4.new_code_cell(source, id=name, metadata={"nbgrader": nbgrader})


def export(lessons: list[Path], out: Path, *, points: int, extra: bool) -> None:
    """Write a course folder; a configuration that is there stays, and so does what nbgrader made."""
    made = {lesson.stem: assignment(lesson, points=points, extra=extra) for lesson in lessons}
    glossary = living_links((NOTEBOOKS / "glossary.md").read_text(encoding="utf-8"))
    for name, book in made.items():
        folder = out / "source" / name
        folder.mkdir(parents=True, exist_ok=True)
        nbformat.write(book, folder / f"{name}.ipynb")
        (folder / "glossary.md").write_text(glossary, encoding="utf-8")
    if not (out / "nbgrader_config.py").exists():
        shutil.copy(HERE / "nbgrader_config.txt", out / "nbgrader_config.py")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lessons", nargs="*", metavar="NN", help="numbers of lessons, such as 01; all if none is given")
    parser.add_argument("--out", type=expanded, default=TOP / "build" / "nbgrader", help="default: build/nbgrader")
    parser.add_argument("--points", type=int, default=1, help="for each exercise (default: 1)")
    parser.add_argument("--extra", action="store_true", help="add the exercise of docs/teaching/NN_name.md")
    asked = parser.parse_args()
    if asked.points < 1:
        raise SystemExit(f"--points {asked.points}: an exercise gives one point at least")
    found = lessons(asked.lessons)
    export(found, asked.out, points=asked.points, extra=asked.extra)
    commands = (f"nbgrader generate_assignment {lesson.stem}" for lesson in found)
    print(f"{len(found)} in {asked.out / 'source'}: go to {asked.out}, and there", *commands, sep="\n")


if __name__ == "__main__":
    main()
