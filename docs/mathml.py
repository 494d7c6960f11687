"""Formulas as MathML, which browsers draw themselves: no script, no font to fetch, no network.

A formula in LaTeX comes in, the markup for it goes out. docutils does the work; here stand the few commands that it
lacks, and the checks without which half a formula would vanish silently. As an extension of Sphinx:

    extensions = ["mathml"]          # this folder on sys.path
    html_math_renderer = "mathml"
"""

import re

from docutils import nodes
from docutils.utils.math import MathError
from docutils.utils.math.latex2mathml import tex2mathml

OPENING = r"\(|\[|\\\{|\\l\w+"  # what opens a bracket: ( [ \{ \langle \lVert
# docutils has \bigl and \bigr, and not \big.
BIG_LEFT = re.compile(rf"\\([bB]igg?)(?=\s*(?:{OPENING}))(?![a-zA-Z])")
BIG_RIGHT = re.compile(r"\\([bB]igg?)(?![a-zA-Z])")
# In LaTeX an argument without braces is one digit; docutils takes the whole number, and makes 12 over x of \frac12 x.
FRACTION = re.compile(r"(\\[dtc]?frac)\s*(?:(\d)|(\{(?:[^{}]|\{[^{}]*\})*\}))\s*(\d)?")
SCRIPT = re.compile(r"([_^]|\\sqrt)\s*(\d)(?=\d)")
# The index of a letter with an accent belongs beside it; docutils puts it below.
ACCENT = re.compile(
    r"(\\(?:hat|tilde|bar|vec|d?dot|widehat|widetilde)\s*(?:\{[^{}]*\}|\\[a-zA-Z]+|[a-zA-Z]))(?=\s*[_^])"
)
# In MathML a bracket grows with its line, in LaTeX only with \left, \right, \big: letters stand in for the rest.
FENCES = {
    r"\lVert": ("‖", "prefix"), r"\rVert": ("‖", "postfix"), r"\lvert": ("|", "prefix"), r"\rvert": ("|", "postfix"),
    r"\langle": ("⟨", "prefix"), r"\rangle": ("⟩", "postfix"), r"\{": ("{", "prefix"), r"\}": ("}", "postfix"),
    r"\lfloor": ("⌊", "prefix"), r"\rfloor": ("⌋", "postfix"), r"\lceil": ("⌈", "prefix"), r"\rceil": ("⌉", "postfix"),
    r"\Vert": ("‖", "infix"),
}  # fmt: skip
LETTERS = {name: chr(0x3131 + i) for i, name in enumerate(FENCES)}  # Hangul, which no formula of ours has
NAMES = "|".join(re.escape(name) + ("(?![a-zA-Z])" if name[-1].isalpha() else "") for name in FENCES)
FENCE = re.compile(rf"(\\\\|\\(?:left|right|[bB]igg?[lr])\s*(?:{NAMES}))|({NAMES})")


def _as_docutils_reads_it(formula: str) -> str:
    """The same formula, in what docutils knows."""

    def fraction(found: re.Match) -> str:
        name, digit, group, second = found.groups()
        return name + (group or f"{{{digit}}}") + (f"{{{second}}}" if second else "")

    formula = BIG_RIGHT.sub(r"\\\1r", BIG_LEFT.sub(r"\\\1l", formula.strip()))
    formula = ACCENT.sub(r"{\1\\hspace{0em}}", formula)
    formula = SCRIPT.sub(r"\1{\2}", FRACTION.sub(fraction, formula))
    return FENCE.sub(lambda found: found[1] or f"{LETTERS[found[2]]} ", formula)


def mathml(formula: str, *, block: bool) -> str:
    r"""The MathML of what stands between dollars, inline or as a block: one element `math`.

    What docutils reads differently from LaTeX is put right: \frac12, \big, brackets that shall not grow. It does not
    guess: a formula that ends too early is refused, though docutils would take it.

    Raises:
        ValueError: the formula is empty, has a command that is not known, or braces without a partner.
    """
    if not formula.strip():
        raise ValueError("the formula is empty: write something between the dollars, or \\$ for a dollar")
    bare = re.sub(r"\\[\\{}]", " ", formula)
    depth = 0
    for brace in re.findall(r"[{}]", bare):
        depth += 1 if brace == "{" else -1
        if depth < 0:
            break
    for what, wrong in {
        "braces": depth,
        r"\left and \right": len(re.findall(r"\\left\b", bare)) - len(re.findall(r"\\right\b", bare)),
        r"\begin and \end": bare.count(r"\begin") - bare.count(r"\end"),
    }.items():
        if wrong:
            raise ValueError(f"{what} have no partner in {formula!r}: close what is opened")
    try:
        markup = tex2mathml(_as_docutils_reads_it(formula), as_block=block)
    except MathError as error:
        raise ValueError(f"docutils cannot read {formula!r}: {error} Write it with other commands.") from error
    for name, (sign, form) in FENCES.items():
        markup = markup.replace(f"<mi>{LETTERS[name]}</mi>", f'<mo stretchy="false" form="{form}">{sign}</mo>')
    for sign in "/|":  # no gaps
        markup = markup.replace(f'<mo stretchy="false">{sign}<', f'<mo stretchy="false" lspace="0" rspace="0">{sign}<')
    # A name that XML does not have, for an invisible sign; and the narrow gap of \log x, which \log(x) does not have.
    markup = markup.replace("&ApplyFunction;", "\u2061")
    return re.sub("<mo>\u2061</mo>(?!\\s*<mo)", '\\g<0><mspace width="0.1667em"></mspace>', markup)


def _visit(translator, node: nodes.Element, *, block: bool) -> None:
    """Write a node's formula; a formula that cannot be read is shown as it is, and Sphinx warns."""
    from sphinx.util import logging
    from sphinx.util.math import get_node_equation_number

    try:
        markup = mathml(node.astext(), block=block)
    except ValueError as error:
        logging.getLogger(__name__).warning("%s", error, location=node, type="mathml")
        markup = f'<code class="math">{translator.encode(node.astext())}</code>'
    if block:
        translator.body.append(translator.starttag(node, "div", CLASS="math"))
        if node["number"]:
            number = get_node_equation_number(translator, node)
            translator.body.append(f'<span class="eqno">({number})')
            translator.add_permalink_ref(node, "Link to this equation")
            translator.body.append("</span>")
        translator.body.append(f"{markup}</div>\n")
    else:
        translator.body.append(translator.starttag(node, "span", "", CLASS="math") + f"{markup}</span>")
    raise nodes.SkipNode


def visit_inline(translator, node: nodes.Element) -> None:
    """Write a formula in a line of text."""
    _visit(translator, node, block=False)


def visit_block(translator, node: nodes.Element) -> None:
    """Write a formula in a line of its own."""
    _visit(translator, node, block=True)


def setup(app) -> dict[str, object]:
    """What Sphinx calls: it makes "mathml" a name for `html_math_renderer`."""
    app.add_html_math_renderer("mathml", (visit_inline, None), (visit_block, None))
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
