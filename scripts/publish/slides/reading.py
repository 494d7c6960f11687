"""A notebook taken apart for slides: its sentences, its predictions, what its cells printed and drew."""

import ast
import html
import importlib.util
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path

import nbformat

TOP = Path(__file__).parent.parent.parent.parent
WHOLE = {"drop_whitespace": False, "replace_whitespace": False, "break_on_hyphens": False}


class Markdown:
    """The markdown of a notebook, in parts and as HTML; links to other files become plain text: a deck stands alone."""

    def __init__(self) -> None:
        from markdown_it import MarkdownIt
        from mdit_py_plugins.dollarmath import dollarmath_plugin

        # By its path: some packages install a folder of their own that is called `docs`.
        spec = importlib.util.spec_from_file_location("mathml", TOP / "docs" / "mathml.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        self.parser = MarkdownIt("commonmark", {"html": True}).enable("table")
        self.parser.use(dollarmath_plugin, renderer=lambda text, how: module.mathml(text, block=how["display_mode"]))

    def parts(self, text: str) -> Iterator[list]:
        """Headings, paragraphs, lists and so on, as lists of tokens."""
        tokens, start, depth = self.parser.parse(text), 0, 0
        for i, token in enumerate(tokens):
            depth += token.nesting
            if depth == 0:
                yield tokens[start : i + 1]
                start = i + 1

    def html(self, part: list) -> str:
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
    closing = (f"{mark}_close", children[0].level)
    return children[1 : [(token.type, token.level) for token in children].index(closing)]


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
    return any(
        isinstance(node, ast.FunctionDef | ast.ClassDef) or (isinstance(node, ast.Attribute) and node.attr == "train")
        for node in ast.walk(ast.parse(cell.source))
    )


def pictures(cell: nbformat.NotebookNode) -> list[str]:
    """What a cell has drawn, as HTML with the words that describe it; without words it is refused."""
    found = []
    for output in cell.outputs:
        if "image/png" not in (data := output.get("data", {})):
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
