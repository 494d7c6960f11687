"""The page about scale: its figures are the measured ones, and its commands are commands of ours."""

import re
import shlex
import sys
from pathlib import Path

import pytest

from benchmarks.harness.table import stored
from scripts.data import make_amorphous_silicon
from scripts.publish.make_costs_page import SCALE_PAGE
from scripts.train import train_beyond

TEXT = SCALE_PAGE.read_text(encoding="utf-8")


def test_the_sentences_have_the_measured_figures_and_every_step_has_a_command():
    found = stored("scale")
    stream, checkpoint, jobs = found["stream"], found["checkpoint"], found["jobs"]
    figures = [
        f"on {found['cores']} cores, medians of {found['repeats']}",
        f"A folder of {stream['cells']} cells of 512 atoms, {stream['megabytes on disk']:.0f} MB",
        f"{stream['streamed']['examples a second']:,.0f} examples a second",
        f"keeping it takes {stream['kept']['megabytes']:.0f} MB",
        f"{checkpoint['milliseconds'][0]:.0f} ms and {checkpoint['megabytes'][0]:.1f} MB at {checkpoint['width'][0]}",
        f"{jobs['Dask']['milliseconds']:.0f} ms with Dask and {jobs['processes']['milliseconds']:.1f} ms",
        f"after {jobs['Dask']['start']:.0f} s and {jobs['processes']['start']:.0f} s",
    ]
    assert [figure for figure in figures if figure not in TEXT] == []
    steps = ("torchrun", "fabric run", "--devices 2", "--resume", "--dask")
    assert [step for step in steps if not any(step in command for command in commands())] == []


def commands():
    """Every command on the page that runs one of our scripts."""
    lines = re.sub(r"\\\n", " ", "\n".join(re.findall(r"```\n(.*?)```", TEXT, flags=re.DOTALL))).splitlines()
    return [line for line in lines if re.search(r"scripts/\w+/(train_beyond|make_amorphous_silicon)\.py", line)]


@pytest.mark.parametrize("line", commands())
def test_every_command_on_the_page_is_understood(monkeypatch, line):
    words = shlex.split(line, comments=True)
    (start,) = [place for place, word in enumerate(words) if word.startswith("scripts/")]
    script = {"train_beyond": train_beyond, "make_amorphous_silicon": make_amorphous_silicon}[Path(words[start]).stem]
    runs = []
    for name in ("run_write", "run_train", "run_quench", "run_draw"):
        monkeypatch.setattr(script, name, runs.append, raising=False)
    monkeypatch.setattr(sys, "argv", words[start:])
    script.main()
    assert len(runs) == 1
