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
LEFT = re.compile(rf"\\([bB]igg?)(?=\s*(?:{OPENING}))(?![a-zA-Z])")
RIGHT = re.compile(r"\\([bB]igg?)(?![a-zA-Z])")


def mathml(formula: str, *, block: bool) -> str:
    r"""The MathML of a formula in LaTeX.

    What docutils does not know is said and not guessed: \big, which it lacks, is \bigl before an opening bracket and
    \bigr before any other; a formula that ends too early is refused, though docutils would take it.

    Args:
        formula: what stands between dollars.
        block: whether it stands in a line of its own.

    Returns:
        One element `math`.

    Raises:
        ValueError: the formula is empty, has a command that is not known, or braces without a partner.
    """
    if not formula.strip():
        raise ValueError("the formula is empty: write something between the dollars, or \\$ for a dollar")
    bare = re.sub(r"\\[\\{}]", "", formula)
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
    known = RIGHT.sub(r"\\\1r", LEFT.sub(r"\\\1l", formula.strip()))
    try:
        # A name that XML does not have, for an invisible sign.
        return tex2mathml(known, as_block=block).replace("&ApplyFunction;", "\u2061")
    except MathError as error:
        raise ValueError(f"docutils cannot read {formula!r}: {error} Write it with other commands.") from error


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
