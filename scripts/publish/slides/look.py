"""How a slide looks: texts come in, HTML in sizes at which it fits goes out, and the page that holds it all."""

import html
import importlib.util
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from math import ceil
from pathlib import Path

WIDTH, HEIGHT = 1180, 580  # pixels of a slide of 1280 x 720 below its heading
CODE = range(24, 15, -1)  # sizes of code in pixels, from comfortable to the smallest that the last row can read
TEXT = range(40, 19, -2)
HERE = Path(__file__).parent


@dataclass
class Slide:
    """One slide: its kind (a CSS class), its heading, what it shows and what the speaker reads, in HTML."""

    kind: str
    title: str
    body: str = ""
    notes: str = ""
    code: tuple[str, ...] = field(default=(), repr=False)  # kinds and texts in turn, to be sized together

    def html(self) -> str:
        level = "h1" if self.kind == "opening" else "h2"
        notes = f'<aside class="notes">{self.notes}</aside>' if self.notes else ""
        shown = listing(self.code) + self.body
        colour = ' data-background-color="#fff8e6"' if self.kind in ("predict", "quiz") else ""
        return f'<section class="{self.kind}"{colour}><{level}>{self.title}</{level}>\n{shown}\n{notes}</section>'


def lines(texts: Iterable[str]) -> tuple[int, int]:
    """How many lines the texts have, and how many letters the longest of these."""
    split = [line for text in texts for line in text.split("\n")]
    return len(split), max(map(len, split), default=0)


def code_size(code: tuple[str, ...]) -> int | None:
    """The largest size of letters at which code and outputs fit on a slide, in pixels, or None."""
    texts = code[1::2]
    n_lines, n_letters = lines(texts)
    room = HEIGHT - 40 * len(texts)
    return next((size for size in CODE if 1.3 * size * n_lines < room and 0.61 * size * n_letters < WIDTH - 40), None)


def output_size(code: tuple[str, ...], size: int) -> int:
    """The largest size of letters for outputs below code of a size, in pixels: it is they that one looks at."""
    pairs = list(zip(code[::2], code[1::2], strict=True))
    printed, written = (lines(text for kind, text in pairs if kind == which) for which in ("output", "code"))
    room = HEIGHT - 20 * len(code) - 1.3 * size * (written[0] if written[1] else 0)
    fits = (s for s in range(28, size, -1) if 1.3 * s * printed[0] < room and 0.61 * s * printed[1] < WIDTH - 40)
    return next(fits, size)


def text_size(texts: Iterable[str]) -> int:
    """The largest size of letters at which paragraphs fit on a slide, in pixels."""
    plain = [re.sub(r"<[^>]+>", "", text) for text in texts]

    def height(size: int) -> float:
        return sum(1.35 * size * ceil(0.56 * size * len(text) / WIDTH) + 0.4 * size for text in plain)

    return next((size for size in TEXT if height(size) < HEIGHT), TEXT[-1])


def formula(markup: str) -> str:
    """A formula in a size at which it fits on one line, since browsers break none."""
    n_letters = len(re.sub(r"<[^>]+>|\s", "", markup)) + 2 * markup.count("<mspace")
    return f'<div class="formula" style="font-size: {min(34, int(1.6 * WIDTH / n_letters))}px">{markup}</div>'


def listing(code: tuple[str, ...]) -> str:
    """Code and outputs in HTML, in sizes at which they fit. What is too long for the smallest size scrolls."""
    from pygments import highlight
    from pygments.formatters import HtmlFormatter
    from pygments.lexers import PythonLexer

    size = code_size(code) or CODE[-1]
    sizes = {"code": size, "output": output_size(code, size)}
    blocks = []
    for kind, text in zip(code[::2], code[1::2], strict=True):
        inner = html.escape(text, quote=False)
        if kind == "code":
            inner = highlight(text, PythonLexer(stripnl=False), HtmlFormatter(nowrap=True)).rstrip("\n")
        blocks.append(f'<pre class="{kind}" style="font-size: {sizes[kind]}px" tabindex="0">{inner}</pre>')
    return "\n".join(blocks)


def _template(name: str) -> str:
    return (HERE / name).read_text(encoding="utf-8")


def parts_of_reveal() -> tuple[str, str]:
    """Styles and scripts of reveal.js, out of the package sphinx-revealjs, to be written into a page."""
    spec = importlib.util.find_spec("sphinx_revealjs")
    folder = Path(spec.origin).parent / "_static" / "revealjs"

    def joined(*names: str) -> str:
        return "\n".join((folder / name).read_text(encoding="utf-8") for name in names)

    # Within a page, "</script" would end the script, and "<!--" begin a comment.
    script = joined("dist/reveal.js", "plugin/notes/notes.js")
    script = script.replace("</script", "<\\/script").replace("<!--", "<\\!--")
    return joined("dist/reset.css", "dist/reveal.css"), script


def page_of(slides: list[Slide]) -> str:
    """A deck as one file, which holds all that it needs."""
    from pygments.formatters import HtmlFormatter

    style, script = parts_of_reveal()
    own = _template("slides.css")
    colours = HtmlFormatter(style="default").get_style_defs("pre.code")
    body = _template("deck.html").rstrip("\n").format(slides="\n".join(slide.html() for slide in slides), script=script)
    title = re.sub(r"<[^>]+>", "", slides[0].title)
    return _template("page.html").format(title=title, style=f"{style}\n{colours}\n{own}", body=body)


def index(titles: dict[str, str]) -> str:
    links = "\n".join(f'<li><a href="{name}.html">{title}</a></li>' for name, title in titles.items())
    style = "body { font: 24px/1.6 sans-serif; max-width: 40em; margin: 2em auto; } ul { list-style: none; }"
    keys = "<p>S: notes of the speaker. O: all slides. B: black. F: full screen. ?: all keys.</p>"
    body = f"<h1>Slides</h1>\n<ul>\n{links}\n</ul>\n{keys}"
    return _template("page.html").format(title="Slides", style=style, body=body)
