"""Slides of the notebooks, for whoever lectures from them: NN_name.html, and NN_name_50.html for 50 minutes.

python scripts/publish/make_slides.py                           all notebooks, into build/slides
python scripts/publish/make_slides.py 01 04                     two of them
python scripts/publish/make_slides.py 01 --without convolution  no section whose heading says so

Nothing is kept twice: titles, questions, answers, predictions, code, what it printed and drew are taken from the
executed notebooks, and all other prose becomes the speaker's notes (key S). How to lecture with them:
docs/teaching/slides.md.
"""

import argparse
import html
import importlib.util
import re
import sys
import tomllib
from collections.abc import Iterable
from pathlib import Path

import nbformat

sys.path.insert(0, str(Path(__file__).parent.parent.parent))

from scripts.publish.slides import reading
from scripts.publish.slides.look import Slide, code_size, formula, index, page_of, text_size
from tutorial_lib.course.runs import lessons
from tutorial_lib.storage import expanded

# The last sections and the kind of slide with which each begins: a question has its own, sources are notes.
LAST = {"What we now know": "closing", "Questions": "", "Exercises": "exercises", "Sources": ""}


class Deck:
    """The slides of a notebook, made cell by cell: prose is said with the slide that stands before it.

    A plan takes its sections and exercises, no quiz, and of their code what answers a prediction, or defines something
    first in its section; other code is the speaker's.
    """

    def __init__(self, book: nbformat.NotebookNode, without: Iterable[str] = (), plan: dict | None = None) -> None:
        self.markdown, self.plan = reading.Markdown(), plan
        self.without = [words.lower() for words in without]
        self.left_out: list[str] = []  # headings
        self.slides: list[Slide] = []
        self.heading, self.questions = "", []
        self.skipping = self.answering = self.asked = False  # asked: code that follows answers a prediction
        self.adjacent = False  # whether code stands just before
        for cell in book.cells:
            if cell.cell_type == "markdown":
                for part in self.markdown.parts(cell.source):
                    self._prose(part)
                self.adjacent = False
            elif not (self.skipping or len(self.slides) == 1 or self.heading in LAST or reading.is_preparation(cell)):
                self._code(cell)  # what stands before the first section is preparation, too

    def _add(self, kind: str, body: str = "", code: tuple[str, ...] = ()) -> None:
        self.slides.append(Slide(kind, self.heading, body, code=code))

    def _prose(self, part: list) -> None:
        kind, children = part[0].type, part[1].children if len(part) > 1 else None
        self.asked = kind == "blockquote_open" or (self.asked and self.slides[-1].kind == "predict")
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
            self.slides[-1].body += formula(self.markdown.html(part))
        elif len(self.slides) == 1:
            self._opening(part)
        elif self.slides[-1].kind == "picture" and reading.first(children or [], "em"):
            words = self.markdown.inline(reading.first(children, "em")).removeprefix("Figure: ")
            self.slides[-1].body += f'<p class="caption">{words[:1].upper()}{words[1:]}</p>'
        else:
            new = self.slides[-1].kind == "section" and not self.slides[-1].body + self.slides[-1].notes
            if new and (answer := reading.opening_sentence(children or [])):
                self.slides[-1].body += f'<p class="answer">{self.markdown.inline(answer)}</p>'
            self.slides[-1].notes += self.markdown.html(part)

    def _section(self, tag: str, heading: str) -> None:
        if tag == "h1":
            self.heading = heading
            self._add("opening")
            return
        unplanned = self.plan and heading not in (*self.plan["sections"], "Exercises")
        self.skipping = unplanned or any(words in heading.lower() for words in self.without)
        if self.skipping:
            self.left_out.append(heading)
            return
        self.heading = heading
        if kind := LAST.get(heading, "section"):
            self._add(kind)

    def _opening(self, part: list) -> None:
        """The question, and what you can do at the end of the whole notebook."""
        shown = self.markdown.html(part)
        children = part[1].children or []
        if question := reading.first(children, "strong"):
            self.slides[-1].body += f'<p class="question"><strong>{self.markdown.inline(question)}</strong></p>'
            rest = self.markdown.inline(children[children.index(question[-1]) + 2 :])
            self.slides[-1].notes += f"<p>{rest}</p>" if rest else ""
        elif not self.plan and (part[0].type == "bullet_list_open" or part[1].content.startswith("At the end")):
            self.slides[-1].body += shown
        else:
            self.slides[-1].notes += shown

    def _last(self, part: list) -> None:
        """What we now know, questions with their answers, titles of exercises; sources are notes."""
        kind = part[0].type
        if self.heading == "Questions" and kind == "ordered_list_open":
            if not self.answering:
                self.questions = reading.items(part)
                return
            for question, answer in zip(self.questions, reading.items(part), strict=True):
                asked, answered = self.markdown.html(question), self.markdown.html(answer)
                size = min(text_size([asked, answered]), 34)
                self._add(
                    "quiz",
                    f'<div class="asked" style="font-size: {size}px">{asked}</div>'
                    f'<div class="answer fragment" style="font-size: {size}px">{answered}</div>',
                )
        elif self.heading == "What we now know" and kind == "bullet_list_open":
            size = min(text_size(self.markdown.html(item) for item in reading.items(part)), 32)
            self.slides[-1].body += f'<div style="font-size: {size}px">{self.markdown.html(part)}</div>'
        elif self.heading == "Exercises":
            title = self.markdown.inline(reading.first(part[1].children or [], "strong")) if len(part) > 1 else ""
            number = re.match(r"\d+\.\d+(?= )", title)
            if number and (not self.plan or number[0] in self.plan["exercises"]):
                self.slides[-1].body += f"<p>{title.removesuffix('.')}</p>"
        else:
            self.slides[-1].notes += self.markdown.html(part)

    def _code(self, cell: nbformat.NotebookNode) -> None:
        drawn, text = reading.pictures(cell), reading.printed(cell)
        out = ("output", text) if text else ()
        begins = self.slides[-1].kind == "section" and reading.defines(cell)
        noted = (drawn and not reading.defines(cell)) or (self.plan and not (self.asked or begins))
        if not noted:
            self._listing(("code", cell.source) + (() if drawn else out))
        for picture in drawn:
            self._add("picture", picture, code=out)
        if noted:
            self.slides[-1].notes += f"<pre><code>{html.escape(cell.source, quote=False)}</code></pre>"
        self.adjacent = not drawn

    def _listing(self, code: tuple[str, ...]) -> None:
        """Code and what it printed: beside the cell before if both can be large, else on two slides if they must."""
        before = self.slides[-1]
        together = before.code + code
        if self.adjacent and before.kind == "code" and (code_size(together) or 0) >= 18:
            before.code = together
        elif code_size(code) is None and len(code) > 2:
            self._add("code", code=code[:2])
            self._add("code", code=code[2:])
        else:
            self._add("code", code=code)


def make(lessons: list[Path], out: Path, without: Iterable[str] = ()) -> list[Path]:
    """The decks that are written, two a notebook and a page that links to all, `without` sections headed like this."""
    plans = tomllib.loads((reading.TOP / "docs" / "teaching" / "plans.toml").read_text(encoding="utf-8"))
    decks = {}
    for path in lessons:
        book = nbformat.read(path, 4)
        decks |= {path.stem: Deck(book, without), f"{path.stem}_50": Deck(book, without, plans[path.stem]["50"])}
    for words in without:
        if not any(words.lower() in heading.lower() for deck in decks.values() for heading in deck.left_out):
            raise ValueError(f"no heading has the words {words!r}: write some that stand in one")
    out.mkdir(parents=True, exist_ok=True)
    for name, deck in decks.items():
        (out / f"{name}.html").write_text(page_of(deck.slides), encoding="utf-8")
        print(f"{out / name}.html: {len(deck.slides)} slides")
    titles = {name: deck.slides[0].title + (" (50 minutes)" if deck.plan else "") for name, deck in decks.items()}
    (out / "index.html").write_text(index(titles), encoding="utf-8")
    return [out / f"{name}.html" for name in decks]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("notebooks", nargs="*", metavar="NN", help="numbers of notebooks, such as 04; all by default")
    parser.add_argument("--out", type=expanded, default=reading.TOP / "build" / "slides", help="default: build/slides")
    parser.add_argument("--without", action="append", default=[], metavar="WORDS", help="no section headed like this")
    args = parser.parse_args()
    if importlib.util.find_spec("sphinx_revealjs") is None:
        sys.exit('the slides need the extra `docs`: pip install -c constraints.txt -e ".[docs]"')
    try:
        make(lessons(args.notebooks), args.out, args.without)
    except ValueError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
