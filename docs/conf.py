"""How Sphinx builds the site: scripts/publish/make_site.py calls it on a copy of the pages."""

import re
import sys
import tomllib
from pathlib import Path

DOCS = Path(__file__).parent
sys.path[:0] = [str(DOCS), str(DOCS.parent)]
PROJECT = tomllib.loads((DOCS.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]

project = "From coordinates to generative models"
author = "The authors of tutorial-lib"
project_copyright = "the authors of tutorial-lib, MIT licence"
version = release = PROJECT["version"]
root_doc = "docs/index"
exclude_patterns = ["**/.*"]

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "mathml"]
html_math_renderer = "mathml"
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 4
nb_execution_mode = "off"
nb_ipywidgets_js = {}  # pictures of atoms are stills here, and nothing is fetched from elsewhere
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
