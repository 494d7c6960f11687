"""What every committed notebook must be, besides equal to its own outputs, which nbval looks at."""

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import nbformat
import pytest
from nbval.plugin import get_sanitize_patterns

from benchmarks.notebooks import run

TOP = Path(__file__).parent.parent
NOTEBOOKS = sorted((TOP / "notebooks").rglob("*.ipynb"))
NOTEBOOKS = [path for path in NOTEBOOKS if not any(part.startswith(".") for part in path.relative_to(TOP).parts)]
LESSONS = [path for path in NOTEBOOKS if path.parent.name != "solutions"]
each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
each_lesson = pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)


def code_cells(path):
    return [cell for cell in nbformat.read(path, 4).cells if cell.cell_type == "code"]


def outputs(path):
    return [output for cell in code_cells(path) for output in cell.outputs]


@each_notebook
def test_every_code_cell_was_run_in_order(path):
    # nbval passes a cell that was never run, whatever it does.
    assert [cell.execution_count for cell in code_cells(path)] == list(range(1, len(code_cells(path)) + 1))


@each_notebook
def test_no_output_is_an_error_or_a_warning(path):
    assert not [o for o in outputs(path) if o.output_type == "error" or o.get("name") == "stderr"]


@each_notebook
def test_no_widget_state_and_no_absolute_path_is_stored(path):
    assert "widgets" not in nbformat.read(path, 4).metadata
    text = re.sub(r"data:image/png;base64,[\w+/=]+|\"image/png\": \"[^\"]+\"", "", path.read_text(encoding="utf-8"))
    assert not re.search(r"/(home|root|work|tmp|Users)/", text)


@each_lesson
def test_enough_cells_are_compared_and_enough_of_them_print_numbers(path):
    compared = [
        cell for cell in code_cells(path)
        if "nbval-ignore-output" not in cell.metadata.get("tags", []) and cell.outputs
    ]  # fmt: skip
    assert len(compared) >= 8
    # A number that stands in the cell's own source was written, not computed.
    computed = [
        set(re.findall(r"\d+\.?\d*", "".join(o.get("text", "") for o in cell.outputs)))
        - set(re.findall(r"\d+\.?\d*", cell.source))
        for cell in compared
    ]
    assert sum(bool(numbers) for numbers in computed) >= 5


@each_lesson
def test_a_picture_of_atoms_has_words_and_a_still(path):
    cells = [cell for cell in code_cells(path) if "view" in cell.metadata.get("tags", [])]
    assert cells
    for cell in cells:
        (bundle,) = [o.data for o in cell.outputs if "image/png" in o.get("data", {})]
        assert 'alt="' in bundle["text/html"]
        assert bundle["text/plain"]


@each_notebook
def test_a_notebook_is_small_and_has_one_title(path):
    assert path.stat().st_size < 2_000_000
    headings = [
        line for cell in json.loads(path.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == "markdown"
        for line in "".join(cell["source"]).splitlines() if line.startswith("# ")
    ]  # fmt: skip
    assert len(headings) == 1


def compared(book, number="02", **environment):
    """The exit status and the output of the suite's own comparison of a notebook, in a run with its number's budget."""
    for cell in book.cells:
        if cell.cell_type == "code":
            cell.source = cell.source.replace('Path("../', 'Path("../../')
    # Below the project's top, or pytest would not load our conftest.py.
    with tempfile.TemporaryDirectory(dir=TOP / "notebooks", prefix=".changed") as folder:
        path = Path(folder) / f"{number}_changed.ipynb"
        nbformat.write(book, path)
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", path], cwd=TOP, env=os.environ | environment,
            capture_output=True, text=True,
        )  # fmt: skip
    return done.returncode, done.stdout


@pytest.fixture
def beginning():
    """Notebook 02 up to its first compared numbers."""
    book = nbformat.read(TOP / "notebooks" / "02_gram_vae.ipynb", 4)
    last = next(i for i, cell in enumerate(book.cells) if "% with four bonds" in str(cell.get("outputs", "")))
    book.cells = book.cells[: last + 1]
    return book


@pytest.mark.parametrize(
    ("find", "put", "expected"), [("96%", "96%", 0), ("96%", "69%", 1)], ids=["sound", "corrupted"]
)
def test_a_corrupted_stored_number_turns_the_suite_red(beginning, find, put, expected):
    (output,) = beginning.cells[-1].outputs
    assert find in output.text
    output.text = output.text.replace(find, put)
    status, printed = compared(beginning)
    assert status == expected, printed
    assert "02_changed: " in printed, "nobody watches what the kernel takes"


def test_a_notebook_over_its_budget_turns_the_suite_red(beginning, tmp_path):
    (tmp_path / "tiny_budget.py").write_text("from benchmarks import budget\nbudget.CPU_SECONDS['02'] = 0.001\n")
    path = os.pathsep.join([str(tmp_path), str(TOP)])
    status, printed = compared(beginning, PYTHONPATH=path, PYTEST_ADDOPTS="-p tiny_budget")
    assert status == 1, printed
    assert "over budget: 02_changed took" in printed


def test_a_cell_that_no_longer_prints_turns_the_suite_red(beginning):
    beginning.cells[-1].source = beginning.cells[-1].source.replace("print(", "str(")
    assert compared(beginning)[0] == 1


@pytest.mark.skipif(sys.platform != "linux", reason="Linux enforces the limits")
@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import os; print(len(os.sched_getaffinity(0)), len(bytes(10**6)))", 0),
        ("import os; print(len(os.sched_getaffinity(0)), len(bytes(10**6)), bytes(10**9)[0])", 1),
    ],
    ids=["one core and a megabyte", "a gigabyte"],
)
def test_a_notebook_has_one_core_and_a_gigabyte(source, expected):
    book = nbformat.v4.new_notebook(metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}})
    book.cells = [nbformat.v4.new_code_cell(source, execution_count=1)]
    book.cells[0].outputs = [nbformat.v4.new_output("stream", text="1 1000000\n")]
    status, printed = compared(book)
    assert status == expected, printed
    assert ("MemoryError" in printed) == bool(expected)


def test_no_sanitizer_is_dropped_silently():
    text = (Path(__file__).parent / "nbval_sanitize.cfg").read_text()
    rules = get_sanitize_patterns(text)
    assert len(rules) == text.count("regex:") == text.count("replace:") == 1
    ((pattern, replacement),) = rules
    assert re.sub(pattern, replacement, "<object at 0x7ff898d58e48>") == "<object at ADDRESS>"


@pytest.mark.long
@pytest.mark.parametrize(
    "environment",
    [{"OMP_NUM_THREADS": "2"}, {"ATEN_CPU_CAPABILITY": "default"}, {"ATEN_CPU_CAPABILITY": "avx2"}],
    ids=str,
)
@each_notebook
def test_compared_cells_survive_another_processor(path, environment):
    status, printed = compared(nbformat.read(path, 4), path.stem[:2], **environment)
    assert status == 0, printed


@pytest.mark.long
@each_lesson
def test_two_runs_on_one_machine_print_the_same(path):
    (_, first), (_, second) = (run(path.stem[:2]) for _ in range(2))
    assert first == second


@pytest.mark.long
@pytest.mark.parametrize("seed", [1, 2])
@each_lesson
def test_compared_cells_survive_another_seed(path, seed):
    book = nbformat.read(path, 4)
    if not any("training.train(" in cell.source for cell in book.cells):
        pytest.skip("it trains nothing: the weights that it evaluates come with the library")
    changed = 0
    for cell in book.cells:
        # The cell that prints the recipe would say the new seed, as it should.
        if cell.cell_type == "code" and "print(" not in cell.source:
            before = cell.source
            cell.source = re.sub(r"\bseed=0\b", f"seed={seed}", before)
            cell.source = re.sub(r"(recipes\.[a-z]\w+)\(\)", rf"\1(seed={seed})", cell.source)
            cell.source = re.sub(
                r"(recipes\.isomers)\((.+)\)$", rf"\1(\2, seed={seed})", cell.source, flags=re.MULTILINE
            )
            changed += cell.source != before
    assert changed >= 2, "the model's seed and the recipe's"
    status, printed = compared(book, path.stem[:2])
    assert status == 0, printed


@pytest.mark.long
@each_lesson
def test_the_prose_holds_under_the_full_profile(path):
    status, printed = compared(nbformat.read(path, 4), path.stem[:2], TUTORIAL_PROFILE="full")
    assert status == 0, printed
