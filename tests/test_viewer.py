import base64
import builtins

import pytest
from ase import Atoms

from tutorial_lib import viewer

WIDGET = "application/vnd.jupyter.widget-view+json"


@pytest.fixture
def pair():
    return Atoms("Si2", [[0, 0, 0], [2.4, 0, 0]])


def test_the_widget_asks_for_the_extension_that_is_installed():
    from nglview._frontend import __frontend_version__

    assert viewer.extension_version() == __frontend_version__, "nglview would draw nothing: see constraints.txt"
    assert viewer.extension_matches()


def test_one_output_serves_every_kind_of_page(pair):
    bundle = viewer.view(pair, alt="Two <bonded> atoms")._repr_mimebundle_()
    assert set(bundle) == {WIDGET, "text/html", "image/png", "text/plain"}
    assert bundle["text/plain"] == "Two <bonded> atoms"
    assert 'alt="Two &lt;bonded&gt; atoms"' in bundle["text/html"]
    assert bundle["image/png"] in bundle["text/html"]
    assert base64.b64decode(bundle["image/png"]).startswith(b"\x89PNG")


def test_the_widget_holds_the_atoms(pair):
    (structure,) = viewer.view(pair, alt="Two atoms").widget._ngl_component_ids
    assert structure


def test_a_cell_is_drawn_with_its_outline(pair):
    def representations(atoms):
        messages = viewer.view(atoms, alt="Two atoms").widget._ngl_msg_archive
        return str(messages)

    assert "unitcell" not in representations(pair)
    pair.cell = [6, 6, 6]
    assert "unitcell" in representations(pair)


def test_a_widget_of_another_version_falls_back_to_the_picture(pair, monkeypatch):
    monkeypatch.setattr(viewer, "extension_version", lambda: "0.0.0")
    bundle = viewer.view(pair, alt="Two atoms")._repr_mimebundle_()
    assert WIDGET not in bundle
    assert "image/png" in bundle


def test_without_nglview_the_picture_stands_in(pair, monkeypatch):
    load = builtins.__import__

    def refuse(name, *args, **kwargs):
        if name.startswith("nglview"):
            raise ImportError(name)
        return load(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", refuse)
    assert WIDGET not in viewer.view(pair, alt="Two atoms")._repr_mimebundle_()


@pytest.mark.parametrize(
    ("atoms", "alt", "message"),
    [
        (Atoms(), "None", "no atoms"),
        (Atoms("Si", [[float("nan"), 0, 0]]), "One", "NaN or infinity"),
        (Atoms("Si"), " ", "alt is empty"),
    ],
)
def test_nothing_to_show_is_refused(atoms, alt, message):
    with pytest.raises(ValueError, match=message):
        viewer.view(atoms, alt=alt)


def test_the_centre_is_marked_in_the_widget_and_must_be_there(pair):
    assert "spacefill" not in str(viewer.view(pair, alt="Two atoms").widget._ngl_msg_archive)
    assert "spacefill" in str(viewer.view(pair, alt="Two atoms", centre=1).widget._ngl_msg_archive)
    with pytest.raises(ValueError, match="no atom 2 to mark: these are atoms 0 to 1"):
        viewer.view(pair, alt="Two atoms", centre=2)


def test_frames_move_with_a_slider_and_stand_in_a_row(pair):
    frames = [pair.copy() for _ in range(3)]
    frames[1].positions[1, 0] = 3.0
    shown = viewer.animate(frames, alt="Two atoms that part")
    molecule, controls = shown.widget.children
    assert molecule.max_frame == controls.children[1].max == 2
    assert set(shown._repr_mimebundle_()) == {WIDGET, "text/html", "image/png", "text/plain"}
    assert shown.picture != viewer.animate(frames[:1] * 3, alt="Two atoms at rest").picture


def test_a_map_links_points_to_atoms(pair):
    properties = {"x (Å)": [0.0, 1], "y (Å)": [0.0, 2], "angle (degree)": [5.0, 6], "more": [1.0, 0]}
    shown = viewer.linked_map([pair, pair], properties, alt="Two points")
    assert shown.widget is not None
    assert "angle (degree)" in shown.widget.value
    assert set(shown._repr_mimebundle_()) == {WIDGET, "text/html", "image/png", "text/plain"}


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda pair: viewer.animate([], alt="a"), "no atoms to show"),
        (lambda pair: viewer.animate([pair, pair[:1]], alt="a"), "frames of one size"),
        (lambda pair: viewer.linked_map([pair], {"x": [1], "y": [1]}, alt="a"), "three properties at least"),
        (
            lambda pair: viewer.linked_map([pair], {"x": [1], "y": [1], "c": [1, 2]}, alt="a"),
            "one number for each of 1",
        ),
        (lambda pair: viewer.animate([pair], alt=" "), "alt is empty"),
    ],
)
def test_what_cannot_be_shown_is_refused(pair, call, message):
    with pytest.raises(ValueError, match=message):
        call(pair)
