"""Formulas that browsers draw themselves: what LaTeX means, and no formula that vanishes."""

import importlib.util
import os
import re
import subprocess
import sys

import pytest
from books import LESSONS, SOLUTIONS, TOP, cells

pytest.importorskip("docutils")
# By its path: some packages install a folder of their own that is called `docs`.
spec = importlib.util.spec_from_file_location("mathml", TOP / "docs" / "mathml.py")
extension = importlib.util.module_from_spec(spec)
spec.loader.exec_module(extension)
CONFIGURATION = 'extensions = ["mathml"]\nhtml_math_renderer = "mathml"\nhtml_theme = "basic"\n'
STYLE = r' (?:stretchy|form|lspace|rspace|mathvariant|class|movablelimits|displaystyle|scriptlevel)="[^"]*"'


def written(formula, block=False):
    """The MathML without its frame, spaces and looks."""
    inner = re.sub(r"^<math[^>]*>|</math>$", "", extension.mathml(formula, block=block))
    return re.sub(r"\s*\n\s*", "", re.sub(STYLE, "", inner))


@pytest.mark.parametrize(
    ("formula", "markup"),
    [
        ("x^2", "<msup><mi>x</mi><mn>2</mn></msup>"),
        ("x_12", "<msub><mi>x</mi><mn>1</mn></msub><mn>2</mn>"),
        (r"\frac12 x", "<mfrac><mn>1</mn><mn>2</mn></mfrac><mi>x</mi>"),
        (r"\frac{a}2x", "<mfrac><mi>a</mi><mn>2</mn></mfrac><mi>x</mi>"),
        (r"\lVert x\rVert", "<mo>‖</mo><mi>x</mi><mo>‖</mo>"),
        (r"\mathcal{L}", "<mi>ℒ</mi>"),
        (r"\mathrm{tr}", "<mi>tr</mi>"),
        (r"\partial L/\partial b", "<mi>∂</mi><mi>L</mi><mo>/</mo><mi>∂</mi><mi>b</mi>"),
    ],
)
def test_a_formula_says_what_latex_means(formula, markup):
    assert written(formula) == markup


def test_a_line_of_its_own_is_a_block_brackets_grow_where_they_are_told_and_an_index_stands_beside_an_accent():
    assert "munder" not in extension.mathml(r"\hat r_{ij}", block=False)
    assert written(r"\hat r_{ij}").startswith("<msub>")
    assert 'display="block"' in extension.mathml("x", block=True)
    assert 'display="block"' not in extension.mathml("x", block=False)
    assert 'stretchy="false"' in extension.mathml(r"\lVert x \rVert", block=True)
    assert "stretchy" not in extension.mathml(r"\left\lVert x \right\rVert", block=True)
    assert extension.mathml(r"\big\lVert x \big\rVert", block=True).count('minsize="1.2em"') == 2


@pytest.mark.parametrize("formula", [r"\unheardof x", r"\frac{1", "a } b {", r"\left( x", "x^", "", "x % y"])
def test_a_formula_that_cannot_be_read_is_refused(formula):
    with pytest.raises(ValueError, match=r"docutils cannot read|have no partner|is empty"):
        extension.mathml(formula, block=False)


def test_every_formula_of_the_notebooks_can_be_read():
    for cell in [cell for path in LESSONS + SOLUTIONS for cell in cells(path, "markdown")]:
        prose = re.sub(r"`[^`]*`", "", cell.source)
        for block, line in re.findall(r"\$\$(.+?)\$\$|\$([^$]+)\$", prose, flags=re.DOTALL):
            assert "<m" in extension.mathml(block or line, block=bool(block))[6:]


def test_a_page_of_sphinx_has_formulas_no_script_and_a_warning_where_one_cannot_be_read(tmp_path):
    pytest.importorskip("sphinx", reason="Sphinx is not installed (extra `docs`)")
    formulas = "Here is :math:`x^2`.\n\n.. math:: y_1\n   :label: of y\n\nSee :eq:`of y`, and :math:`\\unheardof < x`."
    (tmp_path / "conf.py").write_text(CONFIGURATION)
    (tmp_path / "index.rst").write_text(f"Title\n=====\n\n{formulas}\n")
    command = [sys.executable, "-m", "sphinx", "-q", str(tmp_path), str(tmp_path / "out")]
    paths = os.pathsep.join([str(TOP / "docs"), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"PYTHONPATH": paths})
    assert done.stderr.count("WARNING") == 1
    assert "unheardof" in done.stderr
    text = (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    assert text.count("<math") == 2
    assert '<span class="eqno">(1)' in text
    assert r"\unheardof &lt; x" in text
    assert "mathjax" not in text.lower()
