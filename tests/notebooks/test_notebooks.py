"""What every committed notebook must be, besides equal to its own outputs, which nbval looks at."""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import nbformat
import pytest
from books import BOOKS, SOLUTIONS, TOP, cells, each_lesson, each_notebook
from nbval.plugin import get_sanitize_patterns


@each_notebook
def test_every_code_cell_was_run_in_order_without_an_error_or_a_warning(path):
    code = cells(path, "code")
    # nbval passes a cell that was never run, whatever it does.
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    outputs = [output for cell in code for output in cell.outputs]
    assert not [o for o in outputs if o.output_type == "error" or o.get("name") == "stderr"]


@each_notebook
def test_a_notebook_is_small_has_one_title_and_stores_no_widget_and_no_absolute_path(path):
    assert path.stat().st_size < 2_000_000
    assert "widgets" not in nbformat.read(path, 4).metadata
    prose = "\n".join(cell.source for cell in cells(path, "markdown"))
    assert len(re.findall(r"^# ", prose, flags=re.MULTILINE)) == 1
    text = re.sub(r"data:image/\w+;base64,[\w+/=]+|\"image/png\": \"[^\"]+\"", "", path.read_text(encoding="utf-8"))
    assert not re.search(r"/(home|root|work|tmp|Users)/", text)


@each_lesson
def test_enough_cells_are_compared_and_enough_of_them_print_numbers(path):
    code = [cell for cell in cells(path, "code") if "nbval-ignore-output" not in cell.metadata.get("tags", [])]
    compared = [cell for cell in code if cell.outputs]
    assert len(compared) >= 8
    # A number that stands in the cell's own source was written, not computed.
    texts = [("".join(o.get("text", "") for o in cell.outputs), cell.source) for cell in compared]
    computed = [set.difference(*(set(re.findall(r"\d+\.?\d*", text)) for text in both)) for both in texts]
    assert sum(map(bool, computed)) >= 5


@each_lesson
def test_a_picture_of_atoms_has_words_and_a_still(path):
    views = [cell for cell in cells(path, "code") if "view" in cell.metadata.get("tags", [])]
    assert views
    for cell in views:
        (bundle,) = [o.data for o in cell.outputs if "image/png" in o.get("data", {})]
        assert 'alt="' in bundle["text/html"]
        assert bundle["text/plain"]


def pytest_of(*words, **environment):
    """The exit status and the output of a run of pytest."""
    command, env = [sys.executable, "-m", "pytest", *words], os.environ | environment
    done = subprocess.run(command, cwd=TOP, env=env, capture_output=True, text=True)
    return done.returncode, done.stdout


def compared(book, **environment):
    """The exit status and the output of the suite's own comparison of a notebook."""
    for cell in book.cells:
        if cell.cell_type == "code":
            cell.source = cell.source.replace('Path("../', 'Path("../../')
    # Below the project's top, or pytest would not load our conftest.py.
    with tempfile.TemporaryDirectory(dir=TOP / "notebooks", prefix=".changed") as folder:
        path = Path(folder) / "changed.ipynb"
        nbformat.write(book, path)
        return pytest_of("-q", path, **environment)


@pytest.mark.skipif(sys.platform != "linux", reason="Linux enforces the limit of memory")
def test_the_comparison_sees_what_changed_what_is_no_longer_said_and_what_takes_a_gigabyte():
    book = nbformat.v4.new_notebook(metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}})
    sources = {
        "print('96%')": "96%\n",
        "print('96' + '%')": "69%\n",
        "str('96%')[:0] or None": "96%\n",
        "print(len(bytes(10**6)))": "1000000\n",
        "print(len(bytes(10**9)))": "1000000000\n",
    }
    for count, (source, stored) in enumerate(sources.items(), start=1):
        outputs = [nbformat.v4.new_output("stream", text=stored)]
        book.cells.append(nbformat.v4.new_code_cell(source, execution_count=count, outputs=outputs))
    status, printed = compared(book)
    assert status == 1
    assert re.findall(r"^FAILED .*::Cell (\d)", printed, flags=re.MULTILINE) == ["1", "2", "4"]
    assert "MemoryError" in printed


@pytest.mark.parametrize(("options", "left_out"), [([], "0[7-9]|1"), (["--extensions"], "never")], ids=["", "all"])
def test_the_default_lane_leaves_out_the_extensions_and_nothing_else(options, left_out):
    _, printed = pytest_of("-qq", "--collect-only", *options, "notebooks")
    found = set(re.findall(r"^(notebooks/\S+?):", printed, flags=re.MULTILINE))
    books = [path for path in BOOKS + SOLUTIONS if not re.match(left_out, path.name)]
    assert found == {path.relative_to(TOP).as_posix() for path in books}


def test_no_sanitizer_is_dropped_silently():
    ((pattern, replacement),) = get_sanitize_patterns((TOP / "tests" / "nbval_sanitize.cfg").read_text())
    assert re.sub(pattern, replacement, "<object at 0x7ff898d58e48>") == "<object at ADDRESS>"


ELSEWHERE = [{"OMP_NUM_THREADS": "2"}, {"ATEN_CPU_CAPABILITY": "default"}, {"ATEN_CPU_CAPABILITY": "avx2"}]


@pytest.mark.slow
@pytest.mark.parametrize("environment", ELSEWHERE, ids=str)
@each_notebook
def test_compared_cells_survive_another_processor(path, environment):
    status, printed = compared(nbformat.read(path, 4), **environment)
    assert status == 0, printed


@pytest.mark.slow
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
            cell.source = re.sub(r"(?m)(recipes\.isomers)\((.+)\)$", rf"\1(\2, seed={seed})", cell.source)
            changed += cell.source != before
    assert changed >= 2, "the model's seed and the recipe's"
    status, printed = compared(book)
    assert status == 0, printed


@pytest.mark.slow
@each_lesson
def test_the_prose_holds_under_the_full_profile(path):
    status, printed = compared(nbformat.read(path, 4), TUTORIAL_PROFILE="full")
    assert status == 0, printed
