"""What is written once and generated elsewhere: addresses, badges, the table, the notebooks' links and Colab cell."""

import os
import re
import shutil
import subprocess
import sys
import textwrap
import venv
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
ELSEWHERE = r"mybinder\.org/v2|colab\.research|badge\.svg|git clone https|repository-code|\?repo=|/issues|OWNER/"


def texts(top):
    """All that ships in a folder and may hold a link."""
    kinds = ("[!.]*.*", "docs/**/*.md", "notebooks/**/*.ipynb", "notebooks/*.md", "tutorial_lib/**/*.md")
    paths = [path for kind in kinds for path in top.glob(kind) if path.is_file()]
    return {path.relative_to(top).as_posix(): path.read_text(encoding="utf-8") for path in paths}


def test_all_that_is_generated_is_up_to_date_and_has_the_links_of_its_address_or_none():
    for path, made in (page.blocks() | {page.TOP / "docs/benchmarks.md": {"figures": page.figures_table()}}).items():
        text = path.read_text(encoding="utf-8")
        assert with_blocks(text, made) == text, f"run python {MAKE}"
    for path in page.LESSONS:
        was, now = (nbformat.read(path, 4) for _ in range(2))
        assert nbformat.writes(page.with_links(now, path.stem)) == nbformat.writes(was), f"run python {MAKE}"
    assert len(re.findall(r"^\| \[\d\d_", README, flags=re.MULTILINE)) == len(page.LESSONS)
    lines = [(name, line) for name, text in texts(page.TOP).items() for line in text.splitlines()]
    own = page.ADDRESS.removeprefix(page.GITHUB) or "none"
    assert [line for line in lines if re.search(ELSEWHERE, line[1]) and own not in line[1]] == []


def test_the_citation_is_that_of_the_project():
    citation, names = (
        yaml.safe_load(page.citation()),
        {"title": "description", "version": "version", "license": "license"},
    )
    assert {name: citation[name] for name in names} == {name: page.PROJECT[other] for name, other in names.items()}
    assert page.citation() == (page.TOP / "CITATION.cff").read_text(encoding="utf-8")


def test_an_address_reaches_every_place_and_leaves_nothing_behind(tmp_path):
    for name in ("README.md", "CITATION.cff", "pyproject.toml"):
        shutil.copy(page.TOP / name, tmp_path)
    for name in ("docs", "notebooks", "scripts", "benchmarks/results"):
        shutil.copytree(page.TOP / name, tmp_path / name, ignore=shutil.ignore_patterns("runs", ".*", "__pycache__"))

    def with_address(address):
        subprocess.run([sys.executable, MAKE, "--address", address], cwd=tmp_path, check=True)
        return texts(tmp_path)

    with pytest.raises(subprocess.CalledProcessError):
        with_address("git@github.com:someone/a.git")
    bare, full = with_address(""), with_address(EXAMPLE)
    for words in ("check --ignore I", "format --check"):
        subprocess.run([sys.executable, "-m", "ruff", *words.split(), "notebooks"], cwd=tmp_path, check=True)
    again = with_address("")
    assert [name for name, text in bare.items() if re.search(ELSEWHERE, text)] == []
    assert again == bare
    binder = "https://mybinder.org/v2/gh/someone/a.course/main?labpath=my_course%2F00_ten_minutes.ipynb"
    colab = "https://colab.research.google.com/github/someone/a.course/blob/main/notebooks/00_ten_minutes.ipynb"
    hub = f"\nhttps://hub.example.org/hub/user-redirect/git-pull?repo={EXAMPLE}&branch=main&targetpath=course&urlpath="
    tests = f"{EXAMPLE}/actions/workflows/tests.yml"
    links = {
        "README.md": f"]({binder}) ]({colab}) git~clone~{EXAMPLE} ({tests}/badge.svg)]({tests}) {EXAMPLE}/issues/new",
        "CITATION.cff": f"repository-code:~{EXAMPLE}",
        "pyproject.toml": f'[project.urls]\nRepository~=~"{EXAMPLE}"',
        "docs/teaching/jupyterhub.md": f"{hub}lab/tree/course/notebooks/00_ten_minutes.ipynb\n",
        "notebooks/00_ten_minutes.ipynb": f'({binder}) ({colab}) address~=~\\"{EXAMPLE}\\"',
    }
    wanted = [(path, link.replace("~", " ")) for path, some in links.items() for link in some.split(" ")]
    assert [(path, link) for path, link in wanted if link not in full[path]] == []
    assert all(f"my_course%2F{lesson.name})" in full["README.md"] for lesson in page.LESSONS)


def test_the_readme_is_short_and_its_first_screen_says_what_to_type():
    assert len(re.sub(r"<!--.*?-->|^\|.*$|\]\([^)]*\)", " ", README, flags=re.MULTILINE).split()) <= 700
    assert "Equivariant" in README.splitlines()[0]
    assert page.START in README.partition("](docs/front_page.png)")[0]
    assert max(map(len, page.START.splitlines())) <= 80


def test_a_block_that_holds_nothing_yet_is_filled():
    assert with_blocks("<!-- plan: made -->\n<!-- end -->", {"plan": "a"}) == "<!-- plan: made -->\na\n<!-- end -->"


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
    venv.create(tmp_path / "venv")
    (own,) = (tmp_path / "venv" / "lib").glob("python*/site-packages")
    # All that the course needs is here; nothing comes from the network; an old release is half there, and in use.
    (own / "here.pth").write_text(str(Path(nbformat.__file__).parent.parent))
    (old := own / "tutorial_lib-0.0.1.dist-info").mkdir()
    said = {"METADATA": "Metadata-Version: 2.1\nName: tutorial-lib\nVersion: 0.0.1\n", "top_level.txt": "tqdm\n"}
    for name, text in (said | {"RECORD": f"{old.name}/METADATA,,\n"}).items():
        (old / name).write_text(text)
    code = f"""
import sys, types, tqdm
sys.modules["google.colab"] = types.ModuleType("google.colab")
for _ in range(2):
{textwrap.indent(colab_cell(page.TOP.as_uri()), "    ")}
import tutorial_lib
from tutorial_lib import datasets
print(Path.cwd().name, Path(tutorial_lib.__file__).is_relative_to({str(own)!r}), len(datasets.load_amorphous("test")))
"""
    env = os.environ | {"PIP_NO_INDEX": "1", "PIP_NO_BUILD_ISOLATION": "0", "PYTHONPATH": ""}
    for expected in (["tutorial-lib: 0.0.1 -> ", "Restart the session"], []):
        command = [tmp_path / "venv" / "bin" / "python", "-c", code]
        done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        *said, last = done.stdout.splitlines()
        assert last.startswith("notebooks True ")
        assert [line[: len(start)] for line, start in zip(said, expected, strict=True)] == expected, done.stdout


def test_on_colab_atoms_are_pictures(monkeypatch):
    monkeypatch.setitem(sys.modules, "google.colab", object())
    assert not viewer.extension_matches()
