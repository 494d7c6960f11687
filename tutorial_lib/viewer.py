"""Atoms in three dimensions: atoms and a sentence come in, one output for every kind of page goes out.

In JupyterLab it is a widget that turns with the mouse. On a page that runs no code it is a still
picture with alternative text, and for a screen reader it is the sentence. Where the widget cannot
draw, the picture stands in.
"""

import base64
import html
import json
import sys
from pathlib import Path

import numpy as np
from ase import Atoms

from tutorial_lib.plotting import CAMERA, COLOURS, still


class View:
    """What `view` returns: it shows itself when it is the last line of a cell.

    Attributes:
        widget: the nglview widget, or None where it cannot draw.
        alt: the sentence for a screen reader.
    """

    def __init__(self, atoms: Atoms, alt: str, centre: int | None, camera: str):
        self.alt = alt
        self.widget = _widget(atoms, centre) if extension_matches() else None
        self._picture = still(atoms, centre, camera)

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict:
        encoded = base64.b64encode(self._picture).decode()
        bundle = {
            "text/plain": self.alt,
            "image/png": encoded,
            "text/html": f'<img alt="{html.escape(self.alt)}" src="data:image/png;base64,{encoded}">',
        }
        if self.widget is not None:
            bundle["application/vnd.jupyter.widget-view+json"] = self.widget.get_view_spec()
        return bundle


def view(atoms: Atoms, *, alt: str, centre: int | None = None, camera: str = CAMERA) -> View:
    """Atoms that a reader can turn, or look at, or have read out.

    Args:
        atoms: a cluster, or a periodic cell, which is drawn with its outline.
        alt: what there is to see, in one sentence, for whoever does not see it.
        centre: the index of an atom to mark, or None.
        camera: how the still picture is turned, as ASE writes it; the widget turns with the mouse.

    Returns:
        An object that shows itself when it is the last line of a cell.

    Raises:
        ValueError: there are no atoms, none of that index, positions are not finite, or the sentence is empty.
    """
    if len(atoms) == 0:
        raise ValueError("there are no atoms to show")
    if centre is not None and not 0 <= centre < len(atoms):
        raise ValueError(f"there is no atom {centre} to mark: these are atoms 0 to {len(atoms) - 1}")
    if not np.isfinite(atoms.positions).all():
        raise ValueError("positions hold NaN or infinity: a cloud recovered from a bad matrix, perhaps")
    if not alt.strip():
        raise ValueError("alt is empty: say in one sentence what there is to see")
    return View(atoms, alt, centre, camera)


def extension_version() -> str | None:
    """The version of nglview's extension that JupyterLab would load.

    Returns:
        Such as "3.1.5", or None where no extension is installed.

    Raises:
        Nothing.
    """
    package = Path(sys.prefix) / "share/jupyter/labextensions/nglview-js-widgets/package.json"
    return json.loads(package.read_text())["version"] if package.exists() else None


def extension_matches() -> bool:
    """Whether nglview's Python side asks for the extension that is installed; if not, it draws nothing.

    Returns:
        False also where nglview is not installed.

    Raises:
        Nothing.
    """
    try:
        from nglview._frontend import __frontend_version__ as asked
    except ImportError:
        return False
    return asked == extension_version()


def _widget(atoms: Atoms, centre: int | None):
    import nglview

    widget = nglview.show_ase(atoms, default_representation=False)
    widget.add_ball_and_stick()
    if centre is not None:
        widget.add_spacefill(selection=[centre], radius=0.6, color=COLOURS["model"])
    if atoms.cell.rank == 3:
        widget.add_unitcell()
    widget.center()
    widget.layout.height = "300px"
    return widget
