"""How Sphinx builds the site: scripts/publish/make_site.py calls it on a copy of the pages."""

import re
import sys
import tomllib
from pathlib import Path

DOCS = Path(__file__).parent
sys.path[:0] = [str(DOCS), str(DOCS.parent)]
PROJECT = tomllib.loads((DOCS.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]

project = "Equivariant generative models of materials"
author = "The authors of tutorial-lib"
project_copyright = "the authors of tutorial-lib; code MIT, text CC BY 4.0"
version = release = PROJECT["version"]
root_doc = "docs/index"
exclude_patterns = ["**/.*", "docs/templates", "downloads"]
templates_path = [str(DOCS / "templates")]
# What the sidebar lists under a page. The pages have plain links instead, which other viewers of Markdown follow, too.
CONTENTS = {
    "docs/index": {
        "The course": ["docs/gallery", "docs/readers", "docs/install", "notebooks/0[0-6]_*"],
        "Extensions": ["notebooks/0[7-9]_*", "notebooks/1*"],
        "Look it up": [
            "notebooks/glossary",
            "docs/library",
            "docs/solutions",
            "docs/data",
            "docs/benchmarks",
            "docs/costs",
            "docs/your_own_glass",
            "docs/scale",
            "CONTRIBUTING",
        ],
        "Teach it": ["docs/teaching/index"],
    },
    "docs/data": {"Sources": ["tutorial_lib/**/SOURCES"]},
    "docs/solutions": {"By notebook": ["notebooks/solutions/*"]},
    "docs/teaching/index": {"Pages": [f"docs/teaching/{name}" for name in ("slides", "nbgrader", "jupyterhub", "*")]},
}

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.autosummary", "sphinx.ext.napoleon"]
extensions += ["sphinx_copybutton", "mathml"]
html_math_renderer = "mathml"
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 4
nb_execution_mode = "off"
nb_ipywidgets_js = {}  # pictures of atoms are stills here, and nothing is fetched from elsewhere
nb_code_prompt_show = "Have you predicted? Show what comes out"
nb_code_prompt_hide = "Hide what comes out"
copybutton_selector = "div.highlight:not(.cell_output *) pre"
copybutton_exclude = ".linenos, .gp, .go"  # of an example in a docstring neither prompts nor what it prints
suppress_warnings = ["mystnb.unknown_mime_type"]

default_role = "code"  # docstrings put code between single backticks, as Markdown does
napoleon_use_ivar = True
napoleon_attr_annotations = False  # the words have the shapes
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
python_maximum_signature_line_length = 80

html_theme = "sphinx_book_theme"
html_title = project
html_static_path = ["static"]
html_css_files = ["site.css"]
html_favicon = "static/icon.svg"
html_copy_source = False
html_context = {"default_mode": "auto"}
html_show_sphinx = False
html_theme_options = {
    "navigation_with_keys": True,
    "navbar_start": [],
    "navbar_center": [],
    "navbar_end": [],
    "navbar_persistent": [],
    "show_navbar_depth": 1,
    "show_toc_level": 2,
    "use_download_button": False,
    "use_fullscreen_button": False,
    "home_page_in_toc": True,
}
if address := PROJECT.get("urls", {}).get("Repository"):
    html_theme_options |= {"repository_url": address, "use_repository_button": True}


def with_contents(app, page: str, source: list[str]) -> None:
    """Append to a page what stands under it in the sidebar."""
    for caption, entries in CONTENTS.get(page, {}).items():
        lines = "\n".join(f"/{entry}" for entry in entries)
        source[0] += f"\n```{{toctree}}\n:glob:\n:hidden:\n:caption: {caption}\n\n{lines}\n```\n"


def plain(app, what, name, obj, options, lines: list[str]) -> None:
    """Take the signs of our docstrings as what they are: `*batch` and |x| are no markup; code and examples stay."""
    example = False
    for i, line in enumerate(lines):
        example = bool(line.strip()) and (example or line.lstrip().startswith(">>>"))
        if not example:
            parts = re.split(r"(`[^`]*`)", line)
            parts[::2] = [re.sub(r"[*|]|(?<=\w)_(?!\w)", r"\\\g<0>", part) for part in parts[::2]]
            lines[i] = "".join(parts)


def skip(app, what, name, obj, skipped, options) -> bool | None:
    """Leave out the fields of a named tuple: its docstring lists them with shapes and units."""
    return True if type(obj).__name__ == "_tuplegetter" else None


def setup(app) -> None:
    """What Sphinx calls."""
    app.connect("autodoc-process-docstring", plain, priority=100)  # before the sections of a docstring are read
    app.connect("autodoc-skip-member", skip)
    app.connect("source-read", with_contents)
