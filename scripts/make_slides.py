"""Slides of the notebooks, for whoever lectures from them: one file a notebook, which needs no network.

python scripts/make_slides.py                     all notebooks, into build/slides
python scripts/make_slides.py 01 04               two of them
python scripts/make_slides.py 01 --without voxel  no section whose heading says so

Nothing is kept twice: titles, questions, answers, predictions, code, what it printed and drew are taken from the
executed notebooks, and all other prose becomes the speaker's notes (key S). How to lecture with them:
docs/teaching/slides.md.
"""

import argparse
import ast
import html
import importlib.util
import re
import sys
import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from math import ceil
from pathlib import Path

import nbformat

TOP = Path(__file__).parent.parent
LESSONS = sorted((TOP / "notebooks").glob("[0-9][0-9]_*.ipynb"))
WIDTH, HEIGHT = 1180, 580  # pixels of a slide of 1280 x 720 below its heading
CODE = range(24, 15, -1)  # sizes of code in pixels, from comfortable to the smallest that the last row can read
TEXT = range(40, 19, -2)
WHOLE = {"drop_whitespace": False, "replace_whitespace": False, "break_on_hyphens": False}
LAST = ("What we now know", "Questions", "Exercises", "Sources")
PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="icon" href="data:,">
<style>
{style}
</style>
</head>
<body>
{body}
</body>
</html>
"""
DECK = """\
<div class="reveal"><div class="slides">
{slides}
</div></div>
<script>
{script}
Reveal.initialize({{
  width: 1280, height: 720, margin: 0, center: false, display: "flex", hash: true, slideNumber: "c/t",
  transition: "none", backgroundTransition: "none", pdfSeparateFragments: false, plugins: [RevealNotes],
}});
</script>"""


@dataclass(frozen=True)
class Slide:
    """One slide: its kind (a CSS class), its heading, what it shows and what the speaker reads, in HTML."""

    kind: str
    title: str
    body: str = ""
    notes: str = ""
    code: tuple[str, ...] = field(default=(), repr=False)  # kinds and texts in turn, to be sized together

    def html(self) -> str:
        """The slide as reveal.js reads it."""
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
    printed, written = (
        lines(text for kind, text in zip(code[::2], code[1::2], strict=True) if kind == which)
        for which in ("output", "code")
    )
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
        inner = (
            highlight(text, PythonLexer(stripnl=False), HtmlFormatter(nowrap=True)).rstrip("\n")
            if kind == "code"
            else html.escape(text, quote=False)
        )
        blocks.append(f'<pre class="{kind}" style="font-size: {sizes[kind]}px" tabindex="0">{inner}</pre>')
    return "\n".join(blocks)


class Markdown:
    """The markdown of a notebook, cut into its parts and written as HTML.

    Links to other files, such as the glossary, become plain text: a deck stands alone.
    """

    def __init__(self) -> None:
        from markdown_it import MarkdownIt
        from mdit_py_plugins.dollarmath import dollarmath_plugin

        # By its path: some packages install a folder of their own that is called `docs`.
        spec = importlib.util.spec_from_file_location("mathml", TOP / "docs" / "mathml.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)

        def formula(content: str, options: dict) -> str:
            return module.mathml(content, block=options["display_mode"])

        self.parser = MarkdownIt("commonmark", {"html": True}).enable("table")
        self.parser.use(dollarmath_plugin, renderer=formula)

    def parts(self, text: str) -> Iterator[list]:
        """Headings, paragraphs, lists and so on, as lists of tokens."""
        tokens, start, depth = self.parser.parse(text), 0, 0
        for i, token in enumerate(tokens):
            depth += token.nesting
            if depth == 0:
                yield tokens[start : i + 1]
                start = i + 1

    def html(self, part: list) -> str:
        """A part as HTML."""
        for token in part:
            if token.children:
                token.children = list(self._without_links(token.children))
        return self.parser.renderer.render(part, self.parser.options, {})

    def inline(self, children: list) -> str:
        """What stands in a paragraph, or in a piece of it, as HTML."""
        return self.parser.renderer.renderInline(list(self._without_links(children)), self.parser.options, {}).strip()

    @staticmethod
    def _without_links(children: list) -> Iterator:
        kept = []
        for token in children:
            if token.type == "link_open":
                kept.append(str(token.attrs["href"]).startswith(("http://", "https://")))
                if not kept[-1]:
                    continue
            elif token.type == "link_close" and not kept.pop():
                continue
            yield token


def opening_sentence(children: list) -> list:
    """The sentence that a paragraph begins with, if it begins with emphasis; else nothing."""
    kept = []
    for token in (token for token in children if token.type != "text" or token.content):
        if not kept and token.type not in ("em_open", "strong_open"):
            return []
        end = re.search(r"[.?!](?=\s|$)", token.content) if token.type == "text" and token.level == 0 else None
        if end:
            return [*kept, token.copy(content=token.content[: end.end()])]
        before = kept[-1].content.rstrip('"”') if kept else ""
        kept.append(token)
        if token.type == "em_close" and token.level == 0 and before.endswith((".", "?", "!")):
            return kept
    return kept


def first(children: list, mark: str) -> list:
    """The tokens within the emphasis that a paragraph begins with, empty if it begins otherwise."""
    children = [token for token in children if token.type != "text" or token.content]
    if not children or children[0].type != f"{mark}_open":
        return []
    end = next(
        i for i, token in enumerate(children) if token.type == f"{mark}_close" and token.level == children[0].level
    )
    return children[1:end]


def items(part: list) -> list[list]:
    """The items of a list, each as its tokens."""
    found, level = [], part[0].level + 1
    for token in part[1:-1]:
        if token.type == "list_item_open" and token.level == level:
            found.append([])
        elif not (token.type == "list_item_close" and token.level == level):
            found[-1].append(token)
    return found


def is_preparation(cell: nbformat.NotebookNode) -> bool:
    """Whether a cell only prepares: imports, or what Colab needs."""
    kinds = (ast.Import, ast.ImportFrom)
    return "colab" in cell.metadata.get("tags", []) or all(isinstance(s, kinds) for s in ast.parse(cell.source).body)


def defines(cell: nbformat.NotebookNode) -> bool:
    """Whether a cell says something besides drawing: it defines a function, or trains."""
    tree = list(ast.walk(ast.parse(cell.source)))
    return any(isinstance(node, ast.FunctionDef | ast.ClassDef) for node in tree) or any(
        isinstance(node, ast.Attribute) and node.attr == "train" for node in tree
    )


def pictures(cell: nbformat.NotebookNode) -> list[str]:
    """What a cell has drawn, as HTML with the words that describe it.

    Raises:
        ValueError: a picture has no words.
    """
    found = []
    for output in cell.outputs:
        data = output.get("data", {})
        if "image/png" not in data:
            continue
        words = output.metadata.get("image/png", {}).get("alt") or html.unescape(
            "".join(re.findall(r'<img alt="([^"]+)"', data.get("text/html", ""))[:1])
        )
        if not words:
            raise ValueError(f"a picture has no words: run the notebook with --store. It is drawn by {cell.source!r}")
        words = re.sub(r"\[(.+?)\]\(.+?\)", r"\1", words)  # links, out of a caption
        png = "".join(data["image/png"].split())
        found.append(f'<img alt="{html.escape(words)}" src="data:image/png;base64,{png}">')
    return found


def printed(cell: nbformat.NotebookNode) -> str:
    """What a cell has printed or returned, picture and progress bars aside."""
    found = []
    for output in cell.outputs:
        if output.output_type == "stream" and output.name == "stdout":
            found.append(output.text.rstrip("\n"))
        elif output.output_type == "execute_result" and "image/png" not in output.data:
            found.append(output.data["text/plain"].rstrip("\n"))
    # Long lines are wrapped here, so that the height is known.
    rows = [row for text in found for line in text.split("\n") for row in textwrap.wrap(line, 98, **WHOLE) or [""]]
    return "\n".join(rows).rstrip("\n")


class Deck:
    """The slides of a notebook, made cell by cell: prose is said with the slide that stands before it."""

    def __init__(self, book: nbformat.NotebookNode, without: Iterable[str] = ()) -> None:
        self.markdown = Markdown()
        self.without = [words.lower() for words in without]
        self.left_out: list[str] = []  # headings
        self.slides: list[Slide] = []
        self.heading = ""
        self.skipping = False
        self.adjacent = False  # whether code stands just before
        self.answering = False
        self.questions: list[list] = []
        for cell in book.cells:
            if cell.cell_type == "markdown":
                for part in self.markdown.parts(cell.source):
                    self._prose(part)
                self.adjacent = False
            elif not (self.skipping or len(self.slides) == 1 or self.heading in LAST or is_preparation(cell)):
                self._code(cell)  # what stands before the first section is preparation, too

    def _add(self, kind: str, body: str = "", code: tuple[str, ...] = ()) -> None:
        self.slides.append(Slide(kind, self.heading, body, code=code))

    def _show(self, more: str) -> None:
        self.slides[-1] = replace(self.slides[-1], body=self.slides[-1].body + more)

    def _note(self, more: str) -> None:
        self.slides[-1] = replace(self.slides[-1], notes=self.slides[-1].notes + more)

    def _prose(self, part: list) -> None:
        kind, children = part[0].type, part[1].children if len(part) > 1 else None
        if kind == "heading_open":
            self._section(part[0].tag, self.markdown.inline(children))
        elif self.skipping or kind == "html_block":
            self.answering |= kind == "html_block" and "<summary>Answers" in part[0].content
        elif self.heading in LAST:
            self._last(part)
        elif kind == "blockquote_open":
            self._add("predict", f'<div class="asked">{self.markdown.html(part[1:-1])}</div>')
        elif kind == "math_block":
            if self.slides[-1].kind not in ("section", "formula"):
                self._add("formula")
            self._show(formula(self.markdown.html(part)))
        elif len(self.slides) == 1:
            self._opening(part)
        elif self.slides[-1].kind == "picture" and first(children or [], "em"):
            words = self.markdown.inline(first(children, "em")).removeprefix("Figure: ")
            self._show(f'<p class="caption">{words[:1].upper()}{words[1:]}</p>')
        elif self.slides[-1].kind == "section" and not self.slides[-1].body + self.slides[-1].notes:
            if answer := opening_sentence(children or []):
                self._show(f'<p class="answer">{self.markdown.inline(answer)}</p>')
            self._note(self.markdown.html(part))
        else:
            self._note(self.markdown.html(part))

    def _section(self, tag: str, heading: str) -> None:
        if tag == "h1":
            self.heading = heading
            self._add("opening")
            return
        self.skipping = any(words in heading.lower() for words in self.without)
        if self.skipping:
            self.left_out.append(heading)
            return
        self.heading = heading
        if heading not in LAST:
            self._add("section")
        elif heading != "Questions" and heading != "Sources":  # a slide for each question; sources are notes
            self._add("exercises" if heading == "Exercises" else "closing")

    def _opening(self, part: list) -> None:
        """The question, and what you can do at the end."""
        shown = self.markdown.html(part)
        children = part[1].children or []
        if question := first(children, "strong"):
            self._show(f'<p class="question"><strong>{self.markdown.inline(question)}</strong></p>')
            rest = self.markdown.inline(children[children.index(question[-1]) + 2 :])
            self._note(f"<p>{rest}</p>" if rest else "")
        elif part[0].type == "bullet_list_open" or part[1].content.startswith("At the end"):
            self._show(shown)
        else:
            self._note(shown)

    def _last(self, part: list) -> None:
        """What we now know, questions with their answers, titles of exercises; sources are notes."""
        kind = part[0].type
        if self.heading == "Questions" and kind == "ordered_list_open":
            if not self.answering:
                self.questions = items(part)
                return
            for question, answer in zip(self.questions, items(part), strict=True):
                asked, answered = self.markdown.html(question), self.markdown.html(answer)
                size = min(text_size([asked, answered]), 34)
                self._add(
                    "quiz",
                    f'<div class="asked" style="font-size: {size}px">{asked}</div>'
                    f'<div class="answer fragment" style="font-size: {size}px">{answered}</div>',
                )
        elif self.heading == "What we now know" and kind == "bullet_list_open":
            size = min(text_size(self.markdown.html(item) for item in items(part)), 32)
            self._show(f'<div style="font-size: {size}px">{self.markdown.html(part)}</div>')
        elif self.heading == "Exercises":
            title = self.markdown.inline(first(part[1].children or [], "strong")) if len(part) > 1 else ""
            if re.match(r"\d+\.\d+ ", title):
                self._show(f"<p>{title.removesuffix('.')}</p>")
        else:
            self._note(self.markdown.html(part))

    def _code(self, cell: nbformat.NotebookNode) -> None:
        drawn, text = pictures(cell), printed(cell)
        code: tuple[str, ...] = ("code", cell.source)
        out = ("output", text) if text else ()
        if not drawn or defines(cell):
            self._listing(code + (() if drawn else out))
        for picture in drawn:
            self._add("picture", picture, code=out)
        if drawn and not defines(cell):
            self._note(f"<pre><code>{html.escape(cell.source, quote=False)}</code></pre>")
        self.adjacent = not drawn

    def _listing(self, code: tuple[str, ...]) -> None:
        """Code and what it printed: beside the cell before if both can be large, else on two slides if they must."""
        before = self.slides[-1]
        together = before.code + code
        if self.adjacent and before.kind == "code" and (code_size(together) or 0) >= 18:
            self.slides[-1] = replace(before, code=together)
        elif code_size(code) is None and len(code) > 2:
            self._add("code", code=code[:2])
            self._add("code", code=code[2:])
        else:
            self._add("code", code=code)


def parts_of_reveal() -> tuple[str, str]:
    """Styles and scripts of reveal.js, out of the package sphinx-revealjs, to be written into a page."""
    spec = importlib.util.find_spec("sphinx_revealjs")
    folder = Path(spec.origin).parent / "_static" / "revealjs"
    style = "\n".join((folder / "dist" / name).read_text(encoding="utf-8") for name in ("reset.css", "reveal.css"))
    script = "\n".join(
        (folder / name).read_text(encoding="utf-8") for name in ("dist/reveal.js", "plugin/notes/notes.js")
    )
    # Within a page, these would end the script, or begin a comment.
    return style, script.replace("</script", "<\\/script").replace("<!--", "<\\!--")


def page(deck: Deck) -> str:
    """A deck as one file, which holds all that it needs."""
    from pygments.formatters import HtmlFormatter

    style, script = parts_of_reveal()
    own = (Path(__file__).parent / "slides.css").read_text(encoding="utf-8")
    colours = HtmlFormatter(style="default").get_style_defs("pre.code")
    slides = "\n".join(slide.html() for slide in deck.slides)
    title = re.sub(r"<[^>]+>", "", deck.slides[0].title)
    return PAGE.format(title=title, style=f"{style}\n{colours}\n{own}", body=DECK.format(slides=slides, script=script))


def index(titles: dict[str, str]) -> str:
    """A page with a link to each deck."""
    links = "\n".join(f'<li><a href="{name}.html">{title}</a></li>' for name, title in titles.items())
    style = (
        "body { font: 24px/1.6 sans-serif; max-width: 40em; margin: 2em auto; } ul { list-style: none; padding: 0; }"
    )
    keys = "<p>S: notes of the speaker. O: all slides. B: black. F: full screen. ?: all keys.</p>"
    return PAGE.format(title="Slides", style=style, body=f"<h1>Slides</h1>\n<ul>\n{links}\n</ul>\n{keys}")


def chosen(numbers: list[str]) -> list[Path]:
    """The notebooks of these numbers, all if there are none.

    Raises:
        ValueError: there is no notebook of such a number.
    """
    known = {path.name[:2]: path for path in LESSONS}
    for number in numbers:
        if number not in known:
            raise ValueError(f"there is no notebook {number!r}: known are {', '.join(known)}")
    return [known[number] for number in numbers] or LESSONS


def make(lessons: list[Path], out: Path, without: Iterable[str] = ()) -> list[Path]:
    """Write a deck for each notebook, and a page that links to all of them.

    Args:
        lessons: the notebooks, executed.
        out: the folder to write into.
        without: words in headings of sections to leave out.

    Returns:
        The decks, without that page.

    Raises:
        ValueError: no heading has the words.
    """
    decks = {path.stem: Deck(nbformat.read(path, 4), without) for path in lessons}
    for words in without:
        if not any(words.lower() in heading.lower() for deck in decks.values() for heading in deck.left_out):
            raise ValueError(f"no heading has the words {words!r}: write some that stand in one")
    out.mkdir(parents=True, exist_ok=True)
    for name, deck in decks.items():
        (out / f"{name}.html").write_text(page(deck), encoding="utf-8")
        print(f"{out / name}.html: {len(deck.slides)} slides")
    titles = {name: deck.slides[0].title for name, deck in decks.items()}
    (out / "index.html").write_text(index(titles), encoding="utf-8")
    return [out / f"{name}.html" for name in decks]


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("notebooks", nargs="*", metavar="NN", help="numbers of notebooks, such as 04; all by default")
    parser.add_argument("--out", type=Path, default=Path("build/slides"), help="where to write (build/slides)")
    parser.add_argument(
        "--without", action="append", default=[], metavar="WORDS", help="leave out sections whose heading says this"
    )
    args = parser.parse_args()
    for package in ("sphinx_revealjs", "markdown_it", "mdit_py_plugins", "docutils", "pygments"):
        if importlib.util.find_spec(package) is None:
            sys.exit(f'{package}, which the slides need, is not installed: pip install -e ".[docs]"')
    try:
        make(chosen(args.notebooks), args.out, args.without)
    except ValueError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
