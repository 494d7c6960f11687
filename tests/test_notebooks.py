"""What every committed notebook must be, besides equal to its own outputs, which nbval looks at."""

import json
import re
from pathlib import Path

import nbformat
import pytest

NOTEBOOKS = sorted((Path(__file__).parent.parent / "notebooks").rglob("*.ipynb"))
NOTEBOOKS = [path for path in NOTEBOOKS if ".ipynb_checkpoints" not in path.parts]
each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


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


@each_notebook
def test_enough_cells_are_compared_and_enough_of_them_print_numbers(path):
    compared = [
        cell for cell in code_cells(path)
        if "nbval-ignore-output" not in cell.metadata.get("tags", []) and cell.outputs
    ]  # fmt: skip
    texts = ["".join(o.get("text", "") for o in cell.outputs) for cell in compared]
    assert len(compared) >= 8
    assert sum(bool(re.search(r"\d", text)) for text in texts) >= 5


@each_notebook
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


def test_a_corrupted_number_turns_the_comparison_red(pytester_notebook):
    result, damaged = pytester_notebook
    assert result == 0
    assert damaged == 1


@pytest.fixture
def pytester_notebook(tmp_path):
    """Exit statuses of nbval on a sound tiny notebook and on one with a changed stored number."""
    import subprocess
    import sys

    def status(stored):
        output = nbformat.v4.new_output("stream", text=stored)
        cell = nbformat.v4.new_code_cell("print(6 * 7)", outputs=[output], execution_count=1)
        nbformat.write(nbformat.v4.new_notebook(cells=[cell]), tmp_path / "tiny.ipynb")
        words = [sys.executable, "-m", "pytest", "-q", "--nbval", "--nbval-current-env", "-c", "none.ini", "--rootdir"]
        (tmp_path / "none.ini").write_text("[pytest]\n")
        return subprocess.run(
            [*words, str(tmp_path), "-p", "no:jaxtyping", "tiny.ipynb"], cwd=tmp_path, capture_output=True
        ).returncode

    return status("42\n"), status("43\n")
