"""Pages of which a part is generated, between `<!-- name: made by ... -->` and `<!-- end -->`."""

import re
from collections.abc import Iterable
from pathlib import Path

TOP = Path(__file__).parent.parent.parent


def table(header: str, rows: Iterable[Iterable[str]]) -> str:
    """A table in Markdown; the header's cells stand between bars."""
    titles = header.split(" | ")
    return "\n".join("| " + " | ".join(row) + " |" for row in [titles, ["---"] * len(titles), *rows])


def with_blocks(page: str, blocks: dict[str, str]) -> str:
    """A page with each block between its two comments made anew."""
    for name, text in blocks.items():
        pattern = re.compile(rf"(<!-- {name}: [^\n]* -->\n).*?(<!-- end -->)", flags=re.DOTALL)
        page, n_found = pattern.subn(lambda block, text=text: f"{block[1]}{text}\n{block[2]}", page)
        if n_found != 1:
            raise ValueError(f"there are {n_found} blocks called {name!r}, one is needed")
    return page


def fill(page: Path, blocks: dict[str, str]) -> None:
    page.write_text(with_blocks(page.read_text(encoding="utf-8"), blocks), encoding="utf-8")
