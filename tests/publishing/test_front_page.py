"""What is written once and generated elsewhere: addresses, badges, the table, the notebooks' links and Colab cell."""

import os
import re
import shutil
import subprocess
import sys

import nbformat
import pytest
from books import each_lesson

from benchmarks.harness.table import stored
from scripts.publish import make_front_page as page
from scripts.publish.pages import with_blocks
from tutorial_lib.plotting import viewer

README = (page.TOP / "README.md").read_text(encoding="utf-8")
COSTS = stored("notebooks")


def test_the_readme_its_figures_citation_and_the_link_to_a_hub_are_the_generated_ones():
    made = page.blocks(COSTS) | {"figures": page.figures_table()}
    assert with_blocks(README, made) == README, "run python scripts/publish/make_front_page.py"
    assert (page.TOP / "CITATION.cff").read_text(encoding="utf-8") == page.citation()
    assert len(re.findall(r"^\| \[\d\d_", README, flags=re.MULTILINE)) == len(page.LESSONS)
    text = page.HUB.read_text(encoding="utf-8")
    assert with_blocks(text, page.hub_blocks()) == text, "run python scripts/publish/make_front_page.py"


@each_lesson
def test_a_notebooks_links_and_colab_cell_are_the_generated_ones(path):
    book = nbformat.read(path, 4)
    before = nbformat.writes(book)
    assert nbformat.writes(page.with_links(book, path.stem)) == before, "run python scripts/publish/make_front_page.py"


def test_links_and_cell_come_back_once_into_a_notebook_that_lost_them():
    cells = [nbformat.v4.new_markdown_cell("# A title"), nbformat.v4.new_code_cell("1", execution_count=1)]
    book = nbformat.v4.new_notebook(cells=cells)
    book = page.with_links(page.with_links(book, "00_new"), "00_new")
    assert len(book.cells) == 3
    assert book.cells[0].source.count("on Binder") == 1
    assert [cell.execution_count for cell in book.cells[1:]] == [1, 2]


def test_another_address_reaches_every_place():
    address = "https://github.com/someone/else"
    made = [*page.blocks(COSTS, address).values(), *page.hub_blocks(address).values(), page.citation(address)]
    made.append(nbformat.writes(page.with_links(nbformat.read(page.LESSONS[0], 4), "01_invariance", address)))
    for text in made:
        assert "someone/else" in text
        assert "OWNER" not in text


def test_the_address_stands_nowhere_else():
    tracked = subprocess.run(["git", "ls-files"], cwd=page.TOP, capture_output=True, text=True)
    if tracked.returncode:
        pytest.skip("not a git checkout")
    kinds = (".md", ".py", ".toml", ".yml", ".cff", ".ipynb", ".txt")
    files = [name for name in tracked.stdout.splitlines() if name.endswith(kinds) and (page.TOP / name).exists()]
    repository = page.ADDRESS.removeprefix("https://github.com/")
    found = {name for name in files if repository in (page.TOP / name).read_text(encoding="utf-8")}
    assert found - {"scripts/publish/make_front_page.py"} <= set(page.places(page.ADDRESS))


def test_no_place_keeps_the_placeholder():
    if page.ADDRESS == page.PLACEHOLDER:
        pytest.skip(f"[project.urls] has no address yet; it will go to {page.places(page.PLACEHOLDER)}")
    assert page.places(page.PLACEHOLDER) == {}


def test_a_block_that_is_missing_is_named():
    with pytest.raises(ValueError, match="0 blocks called 'badges'"):
        with_blocks("# A README", {"badges": ""})


def colab_cell(address):
    return page.with_links(nbformat.read(page.LESSONS[0], 4), page.LESSONS[0].stem, address).cells[1].source


def test_the_colab_cell_does_nothing_elsewhere(tmp_path):
    done = subprocess.run([sys.executable, "-c", colab_cell("nowhere")], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_on_colab_it_fetches_the_course_and_installs_it(tmp_path):
    if shutil.which("git") is None or not (page.TOP / ".git").exists():
        pytest.skip("not a git checkout")
    code = f"""
import sys, types
sys.modules["google.colab"] = types.ModuleType("google.colab")
{colab_cell(page.TOP.as_uri())}
sys.path.insert(0, {str(tmp_path / "installed")!r})
import tutorial_lib
from tutorial_lib import datasets
print(Path.cwd().name, Path(tutorial_lib.__file__).parent.parent.name, len(datasets.load_amorphous("test")))
"""
    # No network: what the course needs is here already, and nothing here is to change.
    pip = {"PIP_NO_DEPS": "1", "PIP_NO_INDEX": "1", "PIP_NO_BUILD_ISOLATION": "0"}
    env = os.environ | pip | {"PIP_TARGET": str(tmp_path / "installed")}
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[:2] == ["notebooks", "installed"]


def test_on_colab_atoms_are_pictures(monkeypatch):
    monkeypatch.setitem(sys.modules, "google.colab", object())
    assert not viewer.extension_matches()
