"""The files at the top of the project say the same things."""

import re
import subprocess
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

TOP = Path(__file__).parent.parent.parent
PROJECT = tomllib.loads((TOP / "pyproject.toml").read_text())["project"]


@pytest.fixture(scope="session")
def pins():
    lines = [line for line in (TOP / "constraints.txt").read_text().splitlines() if not line.startswith("#")]
    return {canonicalize_name(name): version for name, version in (line.split("==") for line in lines)}


def test_every_dependency_is_pinned_within_its_range(pins):
    extras = PROJECT["optional-dependencies"]
    for text in PROJECT["dependencies"] + extras["test"] + extras["docs"] + extras["scale"] + extras["teach"]:
        requirement = Requirement(text)
        if requirement.name == PROJECT["name"]:
            continue
        assert Version(pins[canonicalize_name(requirement.name)]) in requirement.specifier, text


def test_constraints_are_exact_and_name_no_build(pins):
    assert all(re.fullmatch(r"[\w.]+", version) for version in pins.values())
    assert Version(pins["torch"]) < Version("2.14")
    assert Version(pins["numpy"]) < Version("2.3")


def test_every_pin_installs_on_the_oldest_python(pins):
    # Debian 12 has Python 3.11.2; a package that asks for 3.11.5 stops the README's first command there.
    oldest = PROJECT["requires-python"].split(",")[0].removeprefix(">=") + ".0"
    here = {canonicalize_name(one.name): one.metadata["Requires-Python"] for one in metadata.distributions()}
    asked = {name: here[name] for name in pins.keys() & here.keys()}
    assert len(asked) > 100
    assert [name for name, spec in asked.items() if spec and oldest not in SpecifierSet(spec)] == []


def test_conda_installs_the_same_versions():
    text = (TOP / "environment.yml").read_text()
    assert "- -c constraints.txt\n      - -e .\n" in text, "two lines: pip reads one option a line"


def test_the_readme_has_the_two_commands():
    text, install = (TOP / "README.md").read_text(), ".venv/bin/pip install -c constraints.txt -e"
    assert f"\npython3 -m venv .venv && {install} .\n.venv/bin/python -m tutorial_lib\n" in text
    assert f'\n{install} ".[test]"\n.venv/bin/python -m pytest\n' in text
    assert "README.md" in (TOP / ".ci" / "run").read_text(), "CI reads the commands from the README"


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "docs/install.md", "docs/readers.md"])
def test_files_that_a_page_speaks_of_are_there(page):
    text = (TOP / page).read_text()
    paths = re.findall(r"(?<![\w/.])(?:benchmarks|docs|notebooks|scripts|tests|tutorial_lib)/[\w/]+\.\w+", text)
    links = [(TOP / page).parent / target for target in re.findall(r"\]\(([^)#:]+)[^):]*\)", text)]
    assert [path for path in links + [TOP / path for path in paths] if not path.exists()] == []


def test_no_tracked_file_is_large():
    tracked = subprocess.run(["git", "ls-files"], cwd=TOP, capture_output=True, text=True)
    if tracked.returncode:
        pytest.skip("not a git checkout")
    assert all((TOP / name).stat().st_size < 2_000_000 for name in tracked.stdout.splitlines() if (TOP / name).exists())


def test_the_readmes_example_runs(capsys):
    (example,) = re.findall(r"```python\n(.*?)```", (TOP / "README.md").read_text(), flags=re.DOTALL)
    exec(compile(example, "README.md", "exec"), {})
    assert "torch.Size([" in capsys.readouterr().out
