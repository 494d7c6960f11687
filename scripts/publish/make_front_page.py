"""Whatever stands in several places and is written once: addresses, badges, the table of notebooks, the picture.

python scripts/publish/make_front_page.py                                             all of it anew
python scripts/publish/make_front_page.py --address https://github.com/you/course     only what has the address

The address is kept in pyproject.toml under [project.urls], and goes from there into README.md, CITATION.cff, the link
for a JupyterHub, and each notebook's links and Colab cell. Without one, or after `--address ""`, none of them is there.
"""

import argparse
import base64
import io
import json
import re
import sys
import tomllib
from pathlib import Path
from urllib.parse import urlencode

import nbformat
from PIL import Image

sys.path.insert(0, str(Path(__file__).parent.parent.parent))

from scripts.publish.pages import TOP, fill, table

PYPROJECT = TOP / "pyproject.toml"
PROJECT = tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["project"]
ADDRESS = PROJECT.get("urls", {}).get("Repository", "")
GITHUB = "https://github.com/"
HOW = "`python scripts/publish/make_front_page.py --address https://github.com/you/course`"
LESSONS = sorted((TOP / "notebooks").glob("[0-9][0-9]_*.ipynb"))
HUB = TOP / "docs" / "teaching" / "jupyterhub.md"
RUN = "\n\nRun a cell with Shift + Enter"
MOVES = {
    "view(": "pictures of atoms turn",
    "animate(": "sliders move atoms",
    "linked_map(": "points of a map show theirs",
}
START = "python3 -m venv .venv && .venv/bin/pip install -c constraints.txt -e .\n.venv/bin/python -m tutorial_lib"
COLAB = """\
# For Google Colab only: it fetches the course there, and does nothing elsewhere.
import sys

if "google.colab" in sys.modules:
    import os
    import subprocess
    import tomllib
    from importlib import invalidate_caches, metadata, util
    from pathlib import Path

    address = "ADDRESS"
    pip = [sys.executable, "-m", "pip", "install", "--quiet"]

    def versions():
        found = reversed(list(metadata.distributions()))
        return {str(one.name): one.version for one in found}

    if not Path("glossary.md").exists():
        if not Path("course").exists():  # it stays when a session restarts
            clone = ["git", "clone", "--quiet", "--depth", "1", address, "course"]
            subprocess.run(clone, check=True)
        os.chdir("course/notebooks")
    if util.find_spec("tutorial_lib") is None:
        before, owners = versions(), metadata.packages_distributions()
        asked = tomllib.loads(Path("../pyproject.toml").read_text())["project"]
        # Atoms are pictures here; nglview and JupyterLab would change Colab's packages.
        unused = ("nglview", "jupyterlab")
        asked = [one for one in asked["dependencies"] if not one.startswith(unused)]
        subprocess.run([*pip, *asked], check=True)
        subprocess.run([*pip, "--no-deps", ".."], check=True)
        invalidate_caches()
        new = {name: v for name, v in versions().items() if before.get(name) != v}
        for name, version in sorted(new.items()):
            print(f"{name}: {before.get(name, 'none')} -> {version}")
        used = {one for module in sys.modules for one in owners.get(module, [])}
        if used & set(new):
            print("Restart the session; these had been imported:", *used & set(new))"""


def binder(name: str = "00_ten_minutes", address: str = ADDRESS) -> str:
    return f"https://mybinder.org/v2/gh/{address.removeprefix(GITHUB)}/main?labpath=my_course%2F{name}.ipynb"


def colab(name: str = "00_ten_minutes", address: str = ADDRESS) -> str:
    return f"https://colab.research.google.com/github/{address.removeprefix(GITHUB)}/blob/main/notebooks/{name}.ipynb"


def hub(address: str = ADDRESS, server: str = "https://hub.example.org") -> str:
    """The address by which a JupyterHub fetches the course, or what is new in it, and opens notebook 00."""
    query = {"repo": address, "branch": "main", "targetpath": "course"}
    query["urlpath"] = "lab/tree/course/notebooks/00_ten_minutes.ipynb"
    return f"{server}/hub/user-redirect/git-pull?{urlencode(query, safe='/:')}"


def badges(address: str = ADDRESS) -> str:
    tests = f"{address}/actions/workflows/tests.yml"
    return (
        f"[![Tests]({tests}/badge.svg)]({tests}) "
        f"[![Open on Binder](https://mybinder.org/badge_logo.svg)]({binder(address=address)}) "
        f"[![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)]({colab(address=address)})"
    )


def lessons_table(costs: dict[str, dict[str, float]], address: str = ADDRESS) -> str:
    """The README's table of notebooks, from their opening cells and from what was measured."""
    rows = []
    for name, cost in sorted(costs.items()):
        opening = nbformat.read(TOP / "notebooks" / f"{name}.ipynb", 4).cells[0].source
        question = " ".join(re.search(r"\*\*(.+?)\*\*", opening, flags=re.DOTALL).group(1).split())
        minutes, memory = f"{cost['cpu_seconds'] / 60:.1f}", f"{cost['gigabytes']:.1f}"
        places = [f"[Binder]({binder(name, address)}), [Colab]({colab(name, address)})"] if address else []
        rows.append((f"[{name}](notebooks/{name}.ipynb)", question, minutes, memory, *places))
    return table("notebook | question | minutes | GB" + (" | run it on" if address else ""), rows)


def figures_table() -> str:
    from benchmarks.__main__ import NAMES, figures, markdown  # brings PyTorch, which nothing else here needs

    return markdown(figures(NAMES))


def citation(address: str = ADDRESS) -> str:  # from which GitHub and Zotero make a reference
    text = re.sub(r"\nrepository-code:.*", "", (TOP / "CITATION.cff").read_text(encoding="utf-8"))
    return f"{text}repository-code: {address}\n" if address else text


def blocks(address: str = ADDRESS) -> dict[Path, dict[str, str]]:
    """All that is generated in Markdown, by pages and by the names of its blocks."""
    costs = json.loads((TOP / "benchmarks" / "results" / "notebooks.json").read_text(encoding="utf-8"))["series"]
    start = f"```\n{START}\n```\n\nThis copy has no public address yet: {HOW} writes the links."
    made = {"badges": "", "start": start, "notebooks": lessons_table(costs, address), "questions": ""}
    link = f"The course has no address yet: {HOW} writes the link."
    if address:
        questions = f"Questions, stumbles and corrections are welcome [as issues]({address}/issues/new/choose)."
        start = f"```\ngit clone {address} course\ncd course\n{START}\n```"
        made |= {"badges": badges(address), "start": start, "questions": questions}
        link = f"```\n{hub(address)}\n```"
    return {TOP / "README.md": made, HUB: {"link": link}}


def with_links(book: nbformat.NotebookNode, name: str, address: str = ADDRESS) -> nbformat.NotebookNode:
    """The notebook with how to run it at the end of its opening cell, and with the cell that prepares Colab."""
    opening = book.cells[0]
    code = "\n".join(cell.source for cell in book.cells if cell.cell_type == "code")
    moves = ", and ".join(words for call, words in MOVES.items() if re.search(rf"\b{re.escape(call)}", code))
    opening.source = opening.source.split(RUN)[0] + RUN + (f": {moves}, once it has run." if moves else ".")
    book.cells = [cell for cell in book.cells if "colab" not in cell.metadata.get("tags", [])]
    if address:
        places = f"[on Binder]({binder(name, address)}), [in Colab]({colab(name, address)})"
        opening.source += f"\nTo run it elsewhere: {places}."
        cell = nbformat.v4.new_code_cell(COLAB.replace("ADDRESS", address), id="cell-colab")
        cell.metadata |= {"tags": ["colab"], "jupyter": {"source_hidden": True}}
        book.cells.insert(1, cell)
    for count, cell in enumerate((c for c in book.cells if c.cell_type == "code"), start=1):
        cell.execution_count = count
        for output in (one for one in cell.outputs if one.output_type == "execute_result"):
            output.execution_count = count
    return book


def keep(address: str) -> None:
    """Write an address into pyproject.toml, in place of the one that is there; an empty one takes it away."""
    text = re.sub(r"\[project\.urls\]\n.*?\n\n", "", PYPROJECT.read_text(encoding="utf-8"), flags=re.DOTALL)
    urls = f'[project.urls]\nRepository = "{address}"\n\n' if address else ""
    PYPROJECT.write_text(text.replace("[project.optional-", f"{urls}[project.optional-", 1), encoding="utf-8")


def stored_picture(name: str, words: str) -> Image.Image:
    """The picture that the one cell with these words has drawn in a notebook."""
    cells = nbformat.read(TOP / "notebooks" / f"{name}.ipynb", 4).cells
    (cell,) = [cell for cell in cells if words in cell.source and cell.cell_type == "code"][:1]
    (png,) = [o.data["image/png"] for o in cell.outputs if "image/png" in o.get("data", {})]
    return Image.open(io.BytesIO(base64.b64decode(png))).convert("RGB")


def picture(width: int = 1600) -> Image.Image:
    """The frames from noise to glass that notebook 00 holds."""
    found = stored_picture("00_ten_minutes", "plotting.panels(5")
    return found.resize((width, round(width * found.height / found.width)), Image.Resampling.LANCZOS).quantize(256)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--address", help="of the repository, such as https://github.com/you/course")
    address = parser.parse_args().address
    if address is None:
        address = ADDRESS
        fill(TOP / "docs" / "benchmarks.md", {"figures": figures_table()})
        picture().save(TOP / "docs" / "front_page.png")
    elif address and not re.fullmatch(rf"{GITHUB}[\w.-]+/[\w.-]+(?<!\.git)", address):
        parser.error(f"{address} is not the address of a repository such as https://github.com/you/course")
    keep(address)
    for path in LESSONS:
        nbformat.write(with_links(nbformat.read(path, 4), path.stem, address), path)
    for page, made in blocks(address).items():
        fill(page, made)
    (TOP / "CITATION.cff").write_text(citation(address), encoding="utf-8")


if __name__ == "__main__":
    main()
