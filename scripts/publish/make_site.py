"""The course as a site: notebooks as they were run, glossary, library, teacher's guide; with search, and offline.

python scripts/publish/make_site.py     build it into build/site; open build/site/index.html, or serve that folder

Pages are read as they stand in the repository and nothing is run. Needs the extra `docs`.
"""

import argparse
import ast
import html
import importlib.util
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat

from tutorial_lib.storage import expanded

TOP = Path(__file__).parent.parent.parent
BUILT = TOP / "build" / "site"
PAGES = ("docs", "notebooks", "CONTRIBUTING.md", "tutorial_lib/shapes.py")
HOME = '<!doctype html><meta charset="utf-8"><title>{0}</title><meta http-equiv="refresh" content="0; url={0}">\n'
# The folders of the library in the order in which data flows through them; storage and shapes come last.
FOLDERS = ("datasets", "representations", "models", "training", "metrics", "inpainting", "plotting", "exercises")


def modules_of(folder: str) -> list[str]:
    """What has a page: the modules of a folder, and the packages in it, each as one."""
    found = [path for path in (TOP / "tutorial_lib" / folder).iterdir() if not path.name.startswith("_")]
    return sorted(f"{folder}.{p.stem}" for p in found if p.suffix == ".py" or (p / "__init__.py").exists())


def grouped() -> dict[str, list[str]]:
    """All modules that have a page, under the names of their folders."""
    return {folder: modules_of(folder) for folder in FOLDERS} | {"around it": ["pipelines", "shapes", "storage"]}


def stage(folder: Path) -> None:
    """A copy of all pages, ready for Sphinx: pictures with their words, and a page for each module of the library."""
    shutil.rmtree(folder, ignore_errors=True)
    for page in [TOP / page for page in PAGES] + sorted(TOP.glob("tutorial_lib/*/**/SOURCES.md")):
        target = folder / page.relative_to(TOP)
        target.parent.mkdir(parents=True, exist_ok=True)
        if page.is_dir():
            shutil.copytree(page, target, ignore=shutil.ignore_patterns(".*", "__pycache__"))
        else:
            shutil.copy(page, target)
    for path in (folder / "notebooks").rglob("*.ipynb"):
        nbformat.write(with_words(nbformat.read(path, 4)), path)
    library = folder / "library"
    library.mkdir()
    groups = []
    for title, names in grouped().items():
        for name in names:
            (library / f"{name}.md").write_text(module_page(name), encoding="utf-8")
        groups.append(f"group_{title.lower().replace(' ', '_')}")
        (library / f"{groups[-1]}.md").write_text(group_page(title, names), encoding="utf-8")
    (library / "index.md").write_text(
        "# The library\n\nA folder is one sentence, a file one idea; data flows from top to bottom. Positions are "
        "torch tensors in ångström, rows are atoms, and a rotation acts as `x @ Q.mT`; the whole card of conventions "
        "stands [in the glossary](../notebooks/glossary.md#conventions).\n\n" + toctree(groups, depth=2),
        encoding="utf-8",
    )


def toctree(entries: list[str], *, depth: int) -> str:
    """Links to pages, which the sidebar shows as well."""
    lines = "\n".join(entries)
    return f"```{{toctree}}\n:maxdepth: {depth}\n\n{lines}\n```\n"


def group_page(title: str, names: list[str]) -> str:
    """The page of a folder: its sentence, and links to its modules."""
    door = TOP / "tutorial_lib" / title / "__init__.py"
    words = ast.get_docstring(ast.parse(door.read_text(encoding="utf-8"))) if door.exists() else ""
    return f"# {title}\n\n{words}\n\n{toctree(names, depth=1)}"


def module_page(name: str) -> str:
    """The page of one module: its first lines, and all its public names with shapes, units and errors."""
    body = f"```{{eval-rst}}\n.. automodule:: tutorial_lib.{name}\n   :members:\n```"
    if name == "shapes":
        body = "```{literalinclude} ../tutorial_lib/shapes.py\n```"
    return f"# {name}\n\n`tutorial_lib.{name}`\n\n{body}\n"


def with_words(book: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """The notebook with the words of each picture where the site's builder looks for them, without Colab's cell."""
    book.cells = [cell for cell in book.cells if "colab" not in cell.metadata.get("tags", [])]
    for cell in book.cells:
        for output in cell.get("outputs", []):
            if words := output.get("metadata", {}).get("image/png", {}).get("alt"):
                cell.metadata["mystnb"] = {"image": {"alt": words}}
            if "text/html" in output.get("data", {}):  # `<img alt="..." src="data:...">`, as the viewer writes it
                found = re.match(r'<img alt="([^"]*)"', output.data["text/html"])
                if found and "image/png" in output.data:
                    del output.data["text/html"]
                    cell.metadata["mystnb"] = {"image": {"alt": html.unescape(found[1])}}
    return book


def build(out: Path) -> None:
    """Build the site anew; whatever Sphinx warns of, a link that leads nowhere first of all, is an error."""
    if any(importlib.util.find_spec(name) is None for name in ("sphinx", "myst_nb", "sphinx_book_theme")):
        sys.exit('the site needs the extra `docs`: .venv/bin/pip install -c constraints.txt -e ".[docs]"')
    shutil.rmtree(out, ignore_errors=True)
    staged = out.with_name(out.name + "_pages")
    stage(staged)
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-j", "2", "-b", "html"]
    places = ["-c", str(TOP / "docs"), "-d", str(staged / ".doctrees"), str(staged), str(out)]
    if subprocess.call(command + places):  # noqa: S603 - our own words and a folder
        sys.exit("the site was not built: see above what is wrong, and in which page")
    for left_over in (out / "_static").glob("*macros.html"):  # templates of the theme, no pages
        left_over.unlink()
    (out / "index.html").write_text(HOME.format("docs/index.html"), encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=expanded, default=BUILT, help="the folder to build into (default: build/site)")
    args = parser.parse_args()
    build(args.out.resolve())
    print(f"{len(list(args.out.rglob('*.html')))} pages: open {args.out / 'index.html'}")


if __name__ == "__main__":
    main()
