"""Atoms in three dimensions: atoms and a sentence come in, one output for every kind of page goes out.

In JupyterLab it is a widget that turns with the mouse, moves with a slider or opens at a click. On a page
that runs no code it is a still picture with alternative text, and for a screen reader it is the sentence.
Where the widget cannot draw, the picture stands in.
"""

import base64
import io
import json
import sys
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from ase import Atoms
from ase.utils import rotate
from ipywidgets import DOMWidget, HBox, IntSlider, Play, VBox, jslink
from PIL import Image
from torch import Tensor

from tutorial_lib.plotting import CAMERA, COLOURS, SILICON, Arrow, bonds, scatter_map, still, strip
from tutorial_lib.plotting.stills import in_page, of_kind
from tutorial_lib.shapes import check, check_counts, check_finite

COLAB = "google.colab"
WEBP = 60  # quality, of 100


class View:
    """What the functions here return: it shows itself when it is the last line of a cell.

    Attributes:
        widget: what a reader can turn, or None where it cannot draw.
        alt: the sentence for a screen reader.
        picture: the bytes of the still picture, PNG.
    """

    def __init__(self, widget: DOMWidget | None, alt: str, picture: bytes):
        check(alt.strip(), "alt is empty: say in one sentence what there is to see")
        self.widget, self.alt, self.picture = widget, alt, picture

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict:
        smaller = Image.open(io.BytesIO(self.picture)).convert("RGB")  # than a second PNG: the notebook holds both
        bundle = {
            "text/plain": self.alt,
            "image/png": base64.b64encode(self.picture).decode(),
            "text/html": in_page([smaller], self.alt, quality=WEBP),
        }
        if self.widget is not None:
            bundle["application/vnd.jupyter.widget-view+json"] = self.widget.get_view_spec()
        return bundle


def view(
    atoms: Atoms,
    *,
    alt: str,
    centre: int | None = None,
    camera: str = CAMERA,
    arrows: Sequence[Arrow] = (),
    kinds: Sequence[int] | None = None,
) -> View:
    """Atoms that a reader can turn, or look at, or have read out.

    Args:
        atoms: a cluster, or a periodic cell, which is drawn with its outline.
        alt: what there is to see, in one sentence, for whoever does not see it.
        centre: the index of an atom to mark, or None.
        camera: how the picture is turned at first, as ASE writes it; the widget turns with the mouse.
        arrows: to draw beside a cluster, thicker where they are stronger.
        kinds: whole numbers, one an atom, which take the place of elements: a colour each, and the number on the atom.
    """
    _check_atoms([atoms])
    check(
        centre is None or 0 <= centre < len(atoms),
        f"there is no atom {centre} to mark: these are atoms 0 to {len(atoms) - 1}",
    )
    check(not (arrows and atoms.cell.rank), "arrows belong to a cluster: take the cell away (atoms.cell = None) first")
    check(
        kinds is None or len(kinds) == len(atoms),
        f"one kind for each of {len(atoms)} atoms: {0 if kinds is None else len(kinds)} arrived",
    )
    check_finite(torch.tensor([[*arrow.start, *arrow.end, arrow.strength] for arrow in arrows]), what="arrows")
    kinds = None if kinds is None else [int(kind) for kind in kinds]
    widget = _widget([atoms], centre, camera, arrows, kinds) if extension_matches() else None
    return View(widget, alt, still(atoms, centre, camera, arrows, kinds))


def animate(frames: Sequence[Atoms], *, alt: str, centre: int | None = None, camera: str = CAMERA) -> View:
    """Frames with a slider under them, and all of them in a row, which six to twelve fit, where no code runs."""
    _check_atoms(frames)
    widget = _with_slider(_widget(frames, centre, camera), len(frames)) if extension_matches() else None
    return View(widget, alt, strip(frames, centre, camera))


def linked_map(frames: Sequence[Atoms], properties: Mapping[str, Sequence | np.ndarray | Tensor], *, alt: str) -> View:
    """A map of many clusters: click on a point and see its atoms.

    The first two of three or more properties are the axes and the third is the colour; the reader may choose others.
    """
    _check_atoms(frames)
    columns = {name: np.asarray(values, dtype=float) for name, values in properties.items()}
    shapes = {name: values.shape for name, values in columns.items()}
    check(
        len(shapes) >= 3 and set(shapes.values()) == {(len(frames),)},
        f"three properties at least, one number for each of {len(frames)} clusters: {shapes} arrived",
    )
    return View(None if COLAB in sys.modules else _map(frames, columns), alt, scatter_map(columns))


def extension_version() -> str | None:
    """The version of nglview's extension that JupyterLab would load, or None."""
    package = Path(sys.prefix) / "share/jupyter/labextensions/nglview-js-widgets/package.json"
    return json.loads(package.read_text())["version"] if package.exists() else None


def extension_matches() -> bool:
    """Whether nglview is there and its Python side asks for the extension that is installed; if not, it draws nothing.

    Colab's page loads no JupyterLab extension.
    """
    try:
        from nglview._frontend import __frontend_version__ as asked
    except ImportError:
        return False
    return asked == extension_version() and COLAB not in sys.modules


def _widget(
    frames: Sequence[Atoms],
    centre: int | None,
    camera: str = CAMERA,
    arrows: Sequence[Arrow] = (),
    kinds: Sequence[int] | None = None,
) -> DOMWidget:
    """Every frame is a structure of its own, so that it has bonds of its own; the first one is shown."""
    import nglview

    widget = nglview.NGLWidget(height="300px")
    widget.parameters = {"clipDist": 1}  # by default nothing nearer than ten angstrom is drawn: clusters stay small
    widget.camera = "orthographic"
    for at, atoms in enumerate(frames):
        atoms = atoms.copy()
        if not atoms.cell.rank:
            atoms.positions = atoms.positions @ rotate(camera)  # as in the still picture
        widget.add_structure(_bonded(atoms), default_representation=False)
        colour = {"color": COLOURS["crystal"]} if set(atoms.numbers) == {SILICON} else {}
        widget.add_ball_and_stick(component=at, **(colour if kinds is None else {"color": "grey"}))
        for kind in sorted(set(kinds or ())):
            these = [i for i, k in enumerate(kinds) if k == kind]
            widget.add_spacefill(selection=these, radius=0.5, color=of_kind(kind), component=at)
        if kinds or len(set(atoms.numbers)) > 2:
            style = {"color": "black", "attachment": "middle-center", "z_offset": 2}
            size = {"radius_type": "size", "radius_size": 1.0}  # by default letters grow with van der Waals radii
            widget.add_label(
                component=at, label_type="text", label_text=[*map(str, kinds or atoms.symbols)], **style, **size
            )
        if centre is not None:
            widget.add_spacefill(selection=[centre], radius=0.6, color=COLOURS["model"], component=at)
        if atoms.cell.rank == 3:
            widget.add_unitcell(component=at)
    for arrow in arrows:
        start, end = (np.asarray(place) @ rotate(camera) for place in (arrow.start, arrow.end))
        colour = [part / 255 for part in bytes.fromhex(COLOURS["model"][1:])]
        widget.shape.add_arrow(start.tolist(), end.tolist(), colour, 0.02 + 0.1 * arrow.strength)
    widget.center()
    if len(frames) > 1:
        widget.show_only([0])
    return widget


def _bonded(atoms: Atoms):
    """The atoms for nglview, with the bonds of the still picture: by itself it draws the shorter ones only."""
    import nglview

    structure = nglview.ASEStructure(atoms)
    if not atoms.cell.rank and len(atoms) < 10_000:
        lines = structure.get_structure_string().replace("END\n", "").rstrip("\n").splitlines()
        lines += [f"CONECT{i + 1:5d}{j + 1:5d}" for i, j in bonds(atoms)]
        structure = nglview.TextStructure("\n".join([*lines, "END\n"]), ext="pdb")
    return structure


def _with_slider(widget: DOMWidget, n_frames: int) -> DOMWidget:
    play = Play(max=n_frames - 1, interval=500)
    slider = IntSlider(max=n_frames - 1, description="frame")
    jslink((play, "value"), (slider, "value"))
    slider.observe(lambda change: widget.show_only([change.new]), "value")
    return VBox([widget, HBox([play, slider])])


def _map(frames: Sequence[Atoms], columns: dict[str, np.ndarray]) -> DOMWidget | None:
    try:  # by their names: an import that Ctrl-C cut short may leave no attributes
        from chemiscope import show
        from chemiscope.widget import ChemiscopeWidget
    except ImportError:
        return None
    chosen = {axis: {"property": name} for axis, name in zip(("x", "y", "color"), columns, strict=False)}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about properties that a reader may still choose
        # It would tell a statistics service that a reader looks at a map; without an address it tells nobody.
        for kind in ChemiscopeWidget.__mro__:
            if "_esm" in vars(kind):
                kind._esm = str(kind._esm).replace("https://plausible.io", "")
        return show(list(frames), properties=columns, settings={"map": chosen}, warning_timeout=-1)


def _check_atoms(frames: Sequence[Atoms]) -> None:
    check_counts(n_frames=len(frames), n_atoms=min(map(len, frames), default=0))
    check_finite(*(torch.from_numpy(atoms.positions) for atoms in frames))
