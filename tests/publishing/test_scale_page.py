"""The page about scale: its figures are the measured ones, and its commands are commands of ours."""

import json
import re
import shlex
import sys
from pathlib import Path

import pytest

from scripts.data import make_amorphous_silicon
from scripts.publish import make_scale_page as page
from scripts.publish.pages import with_blocks
from scripts.train import train_beyond

TEXT = page.PAGE.read_text(encoding="utf-8")
FOUND = json.loads(page.MEASURED.read_text(encoding="utf-8"))["series"]


def test_the_figures_on_the_page_are_the_measured_ones():
    assert with_blocks(TEXT, page.blocks()) == TEXT, "run python scripts/publish/make_scale_page.py"


def commands():
    """Every command on the page that runs one of our scripts."""
    lines = re.sub(r"\\\n", " ", "\n".join(re.findall(r"```\n(.*?)```", TEXT, flags=re.DOTALL))).splitlines()
    return [line for line in lines if re.search(r"scripts/\w+/(train_beyond|make_amorphous_silicon)\.py", line)]


@pytest.mark.parametrize("line", commands())
def test_every_command_on_the_page_is_understood(monkeypatch, line):
    words = shlex.split(line, comments=True)
    (start,) = [place for place, word in enumerate(words) if word.startswith("scripts/")]
    script = {"train_beyond": train_beyond, "make_amorphous_silicon": make_amorphous_silicon}[Path(words[start]).stem]
    seen = []
    for name in ("run_write", "run_train", "run_quench", "run_draw"):
        monkeypatch.setattr(script, name, seen.append, raising=False)
    monkeypatch.setattr(sys, "argv", words[start:])
    script.main()
    assert len(seen) == 1


def test_the_page_has_commands_for_every_step():
    starts = " ".join(commands())
    assert len(commands()) >= 6
    assert all(word in starts for word in ("torchrun", "fabric run", "--devices 2", "--resume", "--dask"))


def test_the_page_is_on_the_site_and_in_the_readme():
    top = page.TOP
    assert "\nscale\n" in (top / "docs" / "index.md").read_text(encoding="utf-8")
    assert "(docs/scale.md)" in (top / "README.md").read_text(encoding="utf-8")
