"""Whatever stands in several places and is written once: addresses, badges, the table of notebooks, the picture.

python scripts/publish/make_front_page.py

writes README.md and its picture, CITATION.cff, each notebook's links and Colab cell, and the link on the page about
JupyterHub. The project's address stands in pyproject.toml under [project.urls], and nowhere else by hand.
"""

import argparse
import base64
import io
import re
import sys
import tomllib
from pathlib import Path
from urllib.parse import quote, urlencode

import nbformat
from PIL import Image

sys.path.insert(0, str(Path(__file__).parent.parent.parent))

from benchmarks.harness.table import stored
from scripts.publish.pages import TOP, fill, table

PROJECT = tomllib.loads((TOP / "pyproject.toml").read_text(encoding="utf-8"))["project"]
ADDRESS = PROJECT["urls"]["Repository"]
GITHUB = "https://github.com/"
PLACEHOLDER = f"{GITHUB}OWNER/REPOSITORY"
LESSONS = sorted((TOP / "notebooks").glob("[0-9][0-9]_*.ipynb"))
HUB = TOP / "docs" / "teaching" / "jupyterhub.md"
PICTURE = TOP / "docs" / "front_page.png"
BADGE = "https://colab.research.google.com/assets/colab-badge.svg"
LINKS = re.compile(r"\n\n(Run a cell with .*|To run it elsewhere: .*)$", flags=re.DOTALL)
COLAB = """\
# For Google Colab only: it fetches the course there, and does nothing elsewhere.
import sys
from pathlib import Path

if "google.colab" in sys.modules and not Path("glossary.md").exists():
    import os
    import subprocess

    git = "git clone --quiet --depth 1 {address} course"
    pip = f"{{sys.executable}} -m pip install --quiet ./course"
    for command in (git, pip):
        subprocess.run(command.split(), check=True)
    os.chdir("course/notebooks")"""


def binder(name: str = "01_invariance", address: str = ADDRESS) -> str:
    place = quote(f"notebooks/{name}.ipynb", safe="")
    return f"https://mybinder.org/v2/gh/{address.removeprefix(GITHUB)}/main?labpath={place}"


def colab(name: str = "01_invariance", address: str = ADDRESS) -> str:
    return f"https://colab.research.google.com/github/{address.removeprefix(GITHUB)}/blob/main/notebooks/{name}.ipynb"


def hub(address: str = ADDRESS, server: str = "https://hub.example.org") -> str:
    """The address by which a JupyterHub fetches the course, or what is new in it, and opens notebook 01."""
    opens = "lab/tree/course/notebooks/01_invariance.ipynb"
    query = {"repo": address, "branch": "main", "targetpath": "course", "urlpath": opens}
    return f"{server}/hub/user-redirect/git-pull?{urlencode(query, safe='/:')}"


def badges(address: str = ADDRESS) -> str:
    tests = f"{address}/actions/workflows/tests.yml"
    return (
        f"[![Tests]({tests}/badge.svg)]({tests}) "
        f"[![Open on Binder](https://mybinder.org/badge_logo.svg)]({binder(address=address)}) "
        f"[![Open in Colab]({BADGE})]({colab(address=address)})"
    )


def lessons_table(costs: dict[str, dict[str, float]], address: str = ADDRESS) -> str:
    """The README's table of notebooks, from their opening cells and from what was measured."""
    rows = []
    for name, cost in sorted(costs.items()):
        opening = nbformat.read(TOP / "notebooks" / f"{name}.ipynb", 4).cells[0].source
        question = " ".join(re.search(r"\*\*(.+?)\*\*", opening, flags=re.DOTALL).group(1).split())
        places = f"[Binder]({binder(name, address)}), [![Colab]({BADGE})]({colab(name, address)})"
        minutes, memory = f"{cost['cpu_seconds'] / 60:.1f}", f"{cost['gigabytes']:.1f}"
        rows.append((f"[{name}](notebooks/{name}.ipynb)", question, minutes, memory, places))
    return table("notebook | question | computing (minutes) | memory (GB) | run it on", rows)


def figures_table() -> str:
    """Every figure of which something was asked, folded, as `python -m benchmarks --stored` prints them."""
    from benchmarks.__main__ import NAMES, figures, markdown  # brings PyTorch, which nothing else here needs

    found = figures(NAMES)
    asked = [figure for some in found.values() for figure in some if not figure.asked.startswith("reported")]
    kept = sum(figure.passes for figure in asked)
    head = f"<details>\n<summary>{kept} of {len(asked)} figures are as asked</summary>\n\n"
    return f"{head}{markdown(found)}\n\n</details>"


CITATION = """\
# Made by scripts/publish/make_front_page.py from pyproject.toml.
cff-version: 1.2.0
message: If this course helped your work or your teaching, please cite it.
type: software
title: "{description}"
version: {version}
license: {license}
repository-code: {address}
authors:
  - name: The authors of tutorial-lib
"""
REFERENCE = """\
```bibtex
@software{{tutorial_lib,
  author  = {{{{The authors of tutorial-lib}}}},
  title   = {{{description}}},
  version = {{{version}}},
  url     = {{{address}}}
}}
```

Questions, stumbles and corrections are welcome [as issues]({address}/issues). Say which notebook and which
cell, and add what `python -m pip freeze` prints."""


def citation(address: str = ADDRESS) -> str:  # from which GitHub and Zotero make a reference
    return CITATION.format(**PROJECT, address=address)


def blocks(costs: dict[str, dict[str, float]], address: str = ADDRESS) -> dict[str, str]:
    """All that is generated in the README, by the names of its blocks."""
    return {
        "badges": badges(address),
        "clone": f"```\ngit clone {address} course\ncd course\n```",
        "notebooks": lessons_table(costs, address),
        "reference": REFERENCE.format(**PROJECT, address=address),
    }


def hub_blocks(address: str = ADDRESS) -> dict[str, str]:  # in the page about JupyterHub
    return {"link": f"```\n{hub(address)}\n```"}


def with_links(book: nbformat.NotebookNode, name: str, address: str = ADDRESS) -> nbformat.NotebookNode:
    """The notebook with links at the end of its opening cell, and with the cell that prepares Colab."""
    opening = book.cells[0]
    opening.source = LINKS.sub("", opening.source) + (
        "\n\nRun a cell with Shift + Enter: pictures of atoms turn, and sliders and maps move, once it has run.\n"
        f"To run it all elsewhere: [on Binder]({binder(name, address)}), [in Colab]({colab(name, address)})."
    )
    if "colab" not in book.cells[1].metadata.get("tags", []):
        hidden = {"tags": ["colab"], "jupyter": {"source_hidden": True}}
        book.cells.insert(1, nbformat.v4.new_code_cell("", metadata=hidden, id="cell-colab"))
        for count, cell in enumerate((c for c in book.cells if c.cell_type == "code"), start=1):
            cell.execution_count = count
    book.cells[1].source = COLAB.format(address=address)
    return book


def places(address: str) -> dict[str, int]:
    """How often an address stands in each of the project's files for readers."""
    files = [TOP / "README.md", TOP / "CITATION.cff", TOP / "pyproject.toml", HUB, *LESSONS]
    repository = address.removeprefix(GITHUB)
    counts = {path.relative_to(TOP).as_posix(): path.read_text(encoding="utf-8").count(repository) for path in files}
    return {name: count for name, count in counts.items() if count}


def stored_picture(name: str, words: str) -> Image.Image:
    """The picture that the one cell with these words has drawn in a notebook."""
    cells = nbformat.read(TOP / "notebooks" / f"{name}.ipynb", 4).cells
    (cell,) = [cell for cell in cells if words in cell.source and cell.cell_type == "code"][:1]
    (png,) = [o.data["image/png"] for o in cell.outputs if "image/png" in o.get("data", {})]
    return Image.open(io.BytesIO(base64.b64decode(png))).convert("RGB")


def picture(width: int = 1200) -> Image.Image:
    """Pictures that the notebooks hold: a real motif, two Gram matrices, an invented motif, a path of motifs."""
    above = (("02_gram_vae", "view(motif"), ("02_gram_vae", 'title="one motif"'), ("03_synchronisation", "view(drawn"))
    whole = Image.new("RGB", (width, 2 * width), "white")
    top = 0
    for names in (above, [("03_synchronisation", "animate(")]):
        pictures = [stored_picture(*name) for name in names]
        height, left = int(width / sum(one.width / one.height for one in pictures)), 0
        for one in pictures:
            sized = one.resize((int(one.width / one.height * height), height), Image.Resampling.LANCZOS)
            whole.paste(sized, (left, top))
            left += sized.width
        top += height
    return whole.crop((0, 0, width, top)).quantize(64)


def main() -> None:
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    for path in LESSONS:
        nbformat.write(with_links(nbformat.read(path, 4), path.stem), path)
    fill(TOP / "README.md", blocks(stored("notebooks")) | {"figures": figures_table()})
    fill(HUB, hub_blocks())
    (TOP / "CITATION.cff").write_text(citation(), encoding="utf-8")
    picture().save(PICTURE)
    for name, count in places(PLACEHOLDER).items():
        print(f"{name}: the address is still a placeholder, {count} times")


if __name__ == "__main__":
    main()
