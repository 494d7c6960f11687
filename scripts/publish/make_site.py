"""The course as a site: notebooks as they were run, glossary, library, teacher's guide; with search, and offline.

python scripts/publish/make_site.py     build it into build/site; open build/site/index.html, or serve that folder

Pages are read as they stand in the repository and nothing is run. Needs the extra `docs`.
"""

import argparse
import base64
import html
import importlib.util
import io
import pkgutil
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
from PIL import Image

from tutorial_lib.course.copies import Copies
from tutorial_lib.storage import expanded

TOP = Path(__file__).parent.parent.parent
BUILT = TOP / "build" / "site"
HOME = '<!doctype html><meta charset="utf-8"><title>{0}</title><meta http-equiv="refresh" content="0; url={0}">\n'
# The library and its folders, in the order in which data flows.
FLOW = ("datasets", "representations", "models", "training", "metrics", "inpainting", "plotting", "exercises", "course")
FOLDERS = ["tutorial_lib", *(f"tutorial_lib.{folder}" for folder in FLOW)]
START = "[Install and start](../docs/index.md#install-and-start)"
BUTTONS = f"{{{{download}}}}`Download this notebook </downloads/{{}}.ipynb>` {START}"
CARD = "- [![{2}]({0}.png)](../notebooks/{0}.ipynb)\n\n  [{1}](../notebooks/{0}.ipynb)\n\n  {3}\n"
SECTION = "## {}\n\n{}\n\n```{{eval-rst}}\n.. autosummary::\n   :toctree: ../library\n\n{}\n```\n"


def grouped() -> dict[str, list[str]]:
    """What has a page, under the names of folders: their modules, and the packages in them, each as one."""
    found = {folder: pkgutil.iter_modules([str(TOP / folder.replace(".", "/"))], f"{folder}.") for folder in FOLDERS}
    hidden = {*FOLDERS, "tutorial_lib.__main__"}
    return {folder: [one.name for one in inside if one.name not in hidden] for folder, inside in found.items()}


def stage(folder: Path) -> None:
    """A copy of all pages, ready for Sphinx: notebooks as `prepared`, a gallery of them, and the library's modules."""
    shutil.rmtree(folder, ignore_errors=True)
    for name in ("docs", "notebooks"):
        shutil.copytree(TOP / name, folder / name, ignore=shutil.ignore_patterns(".*", "__pycache__"))
    for page in [TOP / "CONTRIBUTING.md", TOP / "tutorial_lib/shapes.py", *TOP.glob("tutorial_lib/*/**/SOURCES.md")]:
        (folder / page.relative_to(TOP)).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(page, folder / page.relative_to(TOP))
    Copies(TOP / "notebooks", folder / "downloads").make()  # without outputs, as a reader starts
    parts = {"gallery": [], "library": []}
    for path in sorted((folder / "notebooks").rglob("*.ipynb")):
        book = prepared(nbformat.read(path, 4))
        if path.parent.name == "notebooks":
            title, question, rest = book.cells[0].source.split("\n\n", 2)
            words, picture = thumbnail(book)
            (folder / "docs" / f"{path.stem}.png").write_bytes(picture)
            parts["gallery"].append(CARD.format(path.stem, title[2:], words, question.strip("*")))
            book.cells[0].source = "\n\n".join([title, question, BUTTONS.format(path.stem), rest])
        nbformat.write(book, path)
    for title, names in grouped().items():
        words = importlib.import_module(title).__doc__.split("\n\n")[0]
        parts["library"].append(SECTION.format(title, words, "\n".join(f"   ~{name}" for name in names)))
    for name, added in parts.items():
        with (folder / "docs" / f"{name}.md").open("a", encoding="utf-8") as page:
            page.write("\n".join(["", *added]))


def prepared(book: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """The notebook without Colab's cell, with what follows a Predict folded, and with words and width of its pictures.

    A picture is as wide as its output says, or else its dots per inch, of which 100 are one for one.
    """
    book.cells = [cell for cell in book.cells if "colab" not in cell.metadata.get("tags", [])]
    predicting = False
    for cell in book.cells:
        if cell.cell_type == "markdown":
            predicting = "**Predict.**" in cell.source
        elif predicting:
            cell.metadata["tags"] = [*cell.metadata.get("tags", []), "hide-output"]
        for output in (output for output in cell.get("outputs", []) if "image/png" in output.get("data", {})):
            shown = output.metadata.get("image/png", {})
            # `<img alt="..." src="data:...">`, as the viewer writes it
            found = re.match(r'<img alt="([^"]*)"', output.data.pop("text/html", ""))
            picture = Image.open(io.BytesIO(base64.b64decode(output.data["image/png"])))
            width = shown.get("width") or round(picture.width * 100 / picture.info.get("dpi", [200])[0])
            words = html.unescape(found[1]) if found else shown.get("alt", "")
            cell.metadata["mystnb"] = {"image": {"alt": words, "width": f"{width}px"}}
    return book


def thumbnail(book: nbformat.NotebookNode) -> tuple[str, bytes]:
    """Words and PNG of the picture that stands for a notebook: of the cell tagged `thumbnail`, else its first."""
    drawing = [cell for cell in book.cells if "mystnb" in cell.metadata]
    cell = max(drawing, key=lambda cell: "thumbnail" in cell.metadata.get("tags", []))
    png = next(output.data["image/png"] for output in cell.outputs if "image/png" in output.get("data", {}))
    return re.split(r"[.;:\[]", cell.metadata.mystnb.image.alt)[0], base64.b64decode(png)


def build(out: Path) -> None:
    """Build the site anew; whatever Sphinx warns of, a link that leads nowhere first of all, is an error."""
    if not all(map(importlib.util.find_spec, ("sphinx", "myst_nb", "sphinx_book_theme", "sphinx_copybutton"))):
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
