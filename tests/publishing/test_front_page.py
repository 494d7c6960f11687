"""What is written once and generated elsewhere: addresses, badges, the table, the notebooks' links and Colab cell."""

import os
import re
import shutil
import subprocess
import sys
import textwrap
import venv
import zipfile
from pathlib import Path

import nbformat
import pytest
import yaml

from scripts.publish import make_front_page as page
from scripts.publish.pages import with_blocks
from tutorial_lib.plotting import viewer

README = (page.TOP / "README.md").read_text(encoding="utf-8")
MAKE = "scripts/publish/make_front_page.py"
EXAMPLE = "https://github.com/someone/a.course"
ELSEWHERE = re.compile(
    r"mybinder\.org/v2|colab\.research|badge\.svg|git clone (?!REP)|repository-code|\?repo=|/issues|OWNER/"
)
each_lesson = pytest.mark.parametrize("path", page.LESSONS, ids=lambda path: path.stem)


def texts(top):
    """What ships of a folder and may have a link, by its path."""
    parts = ("*.*", "docs/**/*.md", "notebooks/**/*.ipynb", "notebooks/*.md", "tutorial_lib/**/*.md")
    return {
        p.relative_to(top).as_posix(): p.read_text(encoding="utf-8") for q in parts for p in top.glob(q) if p.is_file()
    }


@pytest.fixture
def course(tmp_path):
    """A copy of what the script reads and writes, without an address."""
    for name in ("README.md", "CITATION.cff", "pyproject.toml"):
        shutil.copy(page.TOP / name, tmp_path)
    for name in ("docs", "notebooks", "scripts", "benchmarks/results"):
        shutil.copytree(page.TOP / name, tmp_path / name, ignore=shutil.ignore_patterns("runs", ".*", "__pycache__"))
    addressed(tmp_path, "")
    return tmp_path


def addressed(course, address):
    done = subprocess.run([sys.executable, MAKE, "--address", address], cwd=course, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_all_pages_are_the_generated_ones():
    for path, made in (page.blocks() | {page.TOP / "docs/benchmarks.md": {"figures": page.figures_table()}}).items():
        text = path.read_text(encoding="utf-8")
        assert with_blocks(text, made) == text, f"run python {MAKE}"
    assert (page.TOP / "CITATION.cff").read_text(encoding="utf-8") == page.citation()
    assert len(re.findall(r"^\| \[\d\d_", README, flags=re.MULTILINE)) == len(page.LESSONS)


@each_lesson
def test_a_notebooks_links_and_colab_cell_are_the_generated_ones(path):
    book = nbformat.read(path, 4)
    before = nbformat.writes(book)
    assert nbformat.writes(page.with_links(book, path.stem)) == before, f"run python {MAKE}"


def test_an_address_reaches_every_place_and_leaves_nothing_behind(course):
    before = texts(course)
    assert [name for name, text in before.items() if ELSEWHERE.search(text)] == []
    addressed(course, EXAMPLE)
    after, name = texts(course), "01_invariance"
    binder = f"https://mybinder.org/v2/gh/someone/a.course/main?labpath=my_course%2F{name}.ipynb"
    colab = f"https://colab.research.google.com/github/someone/a.course/blob/main/notebooks/{name}.ipynb"
    tests = f"{EXAMPLE}/actions/workflows/tests.yml"
    hub = f"https://hub.example.org/hub/user-redirect/git-pull?repo={EXAMPLE}&branch=main&targetpath=course&urlpath="
    expected = {
        "README.md": [
            f"]({binder})",
            f"]({colab})",
            f"\ngit clone {EXAMPLE} course\n",
            f"({tests}/badge.svg)]({tests})",
        ],
        "CITATION.cff": [f"repository-code: {EXAMPLE}\n"],
        "pyproject.toml": [f'[project.urls]\nRepository = "{EXAMPLE}"\n'],
        "docs/teaching/jupyterhub.md": [f"\n{hub}lab/tree/course/notebooks/{name}.ipynb\n"],
        f"notebooks/{name}.ipynb": [binder, colab, f"git clone --quiet --depth 1 {EXAMPLE} course"],
    }
    assert [link for path, links in expected.items() for link in links if link not in after[path]] == []
    assert f"({EXAMPLE}/issues/new/choose)" in after["README.md"]
    for path in page.LESSONS:  # each of its own
        assert after[f"notebooks/{path.name}"].count(f"%2F{path.name})") == after["README.md"].count(
            f"%2F{path.name}) |"
        )
    assert not any("OWNER/" in text or "someone/else" in text for text in after.values())
    assert subprocess.run([sys.executable, "-m", "ruff", "check", "-q", "notebooks"], cwd=course).returncode == 0
    addressed(course, "")
    assert texts(course) == before


def test_what_ships_has_the_links_of_its_address_or_none():
    repository = page.ADDRESS.removeprefix(page.GITHUB)
    for name, text in texts(page.TOP).items():
        lines = [line for line in text.splitlines() if ELSEWHERE.search(line)]
        assert [line for line in lines if not page.ADDRESS or repository not in line] == [], name


def test_an_address_that_is_none_is_refused(course):
    command = [sys.executable, MAKE, "--address", "git@github.com:someone/a.git"]
    done = subprocess.run(command, cwd=course, capture_output=True, text=True)
    assert done.returncode == 2
    assert "is not the address of a repository such as https://" in done.stderr


def test_the_readme_is_short_and_its_first_lines_say_what_to_type():
    words = re.sub(r"<!--.*?-->|^\|.*$|\]\([^)]*\)", " ", README, flags=re.MULTILINE).split()
    assert len(words) <= 700
    assert "quivariant" in README.splitlines()[0]
    first = README[: README.index("](docs/front_page.png)")]
    commands = "\n".join(re.findall(r"```\n(.*?)```", first, flags=re.DOTALL)).splitlines()
    assert commands[-1] == ".venv/bin/python -m tutorial_lib"
    assert all(len(line) <= 80 for line in commands)


@pytest.mark.parametrize("path", sorted((page.TOP / ".github/ISSUE_TEMPLATE").glob("*")), ids=lambda path: path.stem)
def test_an_issue_asks_for_what_we_need(path):
    form = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert {"name", "description", "body"} <= set(form)
    labels = [field["attributes"]["label"] for field in form["body"]]
    assert path.stem == "question" or any("tutorial_lib doctor" in label for label in labels)
    assert path.stem != "stumble" or labels[:2] == ["Which notebook?", "Which cell or section?"]


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
def test_on_colab_the_cell_fetches_installs_says_what_it_changed_and_survives_a_restart(tmp_path):
    if shutil.which("git") is None or not (page.TOP / ".git").exists():
        pytest.skip("not a git checkout")
    venv.create(tmp_path / "venv", with_pip=True, symlinks=True)
    python = tmp_path / "venv/bin/python"
    (own,) = (tmp_path / "venv/lib").glob("python*/site-packages")
    # All that the course needs is here, beside an old tqdm, which is in use; nothing comes from the network.
    (own / "here.pth").write_text(str(Path(nbformat.__file__).parent.parent))
    for folder, version in ((own, "1.0"), (tmp_path / "tqdm-4.99-py3-none-any", "4.99")):
        (folder / f"tqdm-{version}.dist-info").mkdir(parents=True)
        (folder / "tqdm.py").write_text("def tqdm(x, **_): return x\n")
        said = {"METADATA": f"Metadata-Version: 2.1\nName: tqdm\nVersion: {version}\n", "RECORD": "tqdm.py,,\n"}
        said |= {"WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n", "top_level.txt": "tqdm\n"}
        for name, text in said.items():
            (folder / f"tqdm-{version}.dist-info" / name).write_text(text)
    with zipfile.ZipFile(tmp_path / "tqdm-4.99-py3-none-any.whl", "w") as wheel:
        for path in (p for p in folder.rglob("*") if p.is_file()):
            wheel.write(path, path.relative_to(folder))
    code = f"""
import sys, types, tqdm
sys.modules["google.colab"] = types.ModuleType("google.colab")
for _ in range(2):
{textwrap.indent(colab_cell(page.TOP.as_uri()), "    ")}
import tutorial_lib
from tutorial_lib import datasets
print(Path.cwd().name, Path(tutorial_lib.__file__).is_relative_to({str(own)!r}), len(datasets.load_amorphous("test")))
"""
    pip = {
        "PIP_NO_INDEX": "1",
        "PIP_NO_BUILD_ISOLATION": "0",
        "PIP_FIND_LINKS": str(tmp_path),
        "PIP_CONFIG_FILE": os.devnull,
    }
    env = os.environ | pip | {"PYTHONPATH": ""}
    for expected in (["tqdm: 1.0 -> 4.99", "tutorial-lib: ", "Restart the session"], []):
        done = subprocess.run([python, "-c", code], cwd=tmp_path, env=env, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        *said, last = done.stdout.splitlines()
        assert last.startswith("notebooks True ")
        assert [line[: len(start)] for line, start in zip(said, expected, strict=True)] == expected, done.stdout


def test_on_colab_atoms_are_pictures(monkeypatch):
    monkeypatch.setitem(sys.modules, "google.colab", object())
    assert not viewer.extension_matches()
