import base64
import builtins
import sys

import pytest
from ase import Atoms
from ase.utils import rotate

from tutorial_lib import plotting
from tutorial_lib.plotting import stills, viewer

WIDGET = "application/vnd.jupyter.widget-view+json"
KINDS = {WIDGET, "text/html", "image/png", "text/plain"}


@pytest.fixture
def pair():
    return Atoms("Si2", [[0, 0, 0], [2.4, 0, 0]])


def test_the_widget_asks_for_the_extension_that_is_installed_or_falls_back_to_the_picture(pair, monkeypatch):
    from nglview._frontend import __frontend_version__

    assert viewer.extension_version() == __frontend_version__, "nglview would draw nothing: see constraints.txt"
    assert viewer.extension_matches()
    monkeypatch.setattr(viewer, "extension_version", lambda: "0.0.0")
    assert set(viewer.view(pair, alt="Two atoms")._repr_mimebundle_()) == KINDS - {WIDGET}


def test_one_output_serves_every_kind_of_page(pair):
    bundle = viewer.view(pair, alt="Two <bonded> atoms")._repr_mimebundle_()
    assert set(bundle) == KINDS
    assert bundle["text/plain"] == "Two <bonded> atoms"
    assert 'alt="Two &lt;bonded&gt; atoms"' in bundle["text/html"]
    assert len(bundle["text/html"]) < len(bundle["image/png"])
    assert base64.b64decode(bundle["image/png"]).startswith(b"\x89PNG")


def test_the_widget_has_the_bonds_of_the_picture():
    far, near = Atoms("Si2", [[0, 0, 0], [2.8, 0, 0]]), Atoms("Si2", [[0, 0, 0], [2.9, 0, 0]])
    texts = [viewer._bonded(atoms).get_structure_string() for atoms in (far, near)]
    assert ["CONECT    1    2" in text for text in texts] == [True, False]
    bridged, bent = (Atoms("WOW", [[0, 0, 0], [1.9, height, 0], [3.8, 0, 0]]) for height in (1.2, 1.5))
    assert [plotting.bonds(atoms) for atoms in (bridged, bent)] == [[(0, 1), (1, 2)], [(0, 1), (0, 2), (1, 2)]]


def test_arrows_are_drawn_in_the_widget_and_in_the_picture_and_turn_with_the_atoms(pair):
    arrows = [plotting.Arrow(*pair.positions, 1.0), plotting.Arrow([2.4, 0, 0], [1.0, 2, 0], 0.5)]
    bare, drawn = viewer.view(pair, alt="Two atoms"), viewer.view(pair, alt="Two atoms", arrows=arrows)
    texts = [str(view.widget._ngl_msg_archive) for view in (bare, drawn)]
    assert [text.count("'arrow'") for text in texts] == [0, 2]
    assert bare.picture != drawn.picture
    turned = pair.positions @ rotate(plotting.CAMERA)
    (_, start, end, *_), _ = (m["args"][1][0] for m in drawn.widget._ngl_msg_archive if m["methodName"] == "addShape")
    assert start == pytest.approx(turned[0])
    assert end == pytest.approx(turned[1])


def test_kinds_stand_for_elements_by_a_colour_and_a_number_each(pair):
    bare, drawn = (viewer.view(pair, alt="Two atoms", kinds=kinds) for kinds in (None, [0, 7]))
    assert bare.picture != drawn.picture
    said = str(drawn.widget._ngl_msg_archive)
    assert said.count("'spacefill'") == 2
    for words in ("'@0'", "'@1'", stills.of_kind(0), stills.of_kind(7), "['0', '7']"):
        assert words in said
    assert stills.of_kind(7) == stills.of_kind(1) != stills.of_kind(0)


@pytest.mark.parametrize(
    ("missing", "show"),
    [
        ("nglview", lambda pair: viewer.view(pair, alt="Two atoms")),
        ("nglview", lambda pair: viewer.animate([pair, pair], alt="Two atoms")),
        ("chemiscope", lambda pair: viewer.linked_map([pair], {"x": [0], "y": [0], "c": [0]}, alt="One point")),
    ],
    ids=["view", "animate", "linked_map"],
)
def test_without_its_widgets_the_picture_stands_in(pair, monkeypatch, missing, show):
    load = builtins.__import__

    def refuse(name, *args, **kwargs):
        if name.startswith(missing):
            raise ImportError(name)
        return load(name, *args, **kwargs)

    assert WIDGET in show(pair)._repr_mimebundle_()
    monkeypatch.setattr(builtins, "__import__", refuse)
    assert set(show(pair)._repr_mimebundle_()) == KINDS - {WIDGET}


def test_a_cell_is_drawn_with_its_outline_and_the_centre_is_marked(pair):
    def messages(atoms, **options):
        return str(viewer.view(atoms, alt="Two atoms", **options).widget._ngl_msg_archive)

    assert "unitcell" not in messages(pair)
    assert "spacefill" not in messages(pair)
    assert "spacefill" in messages(pair, centre=1)
    pair.cell = [6, 6, 6]
    assert "unitcell" in messages(pair)


def test_frames_move_with_a_slider_and_stand_in_a_row(pair):
    frames = [pair.copy() for _ in range(3)]
    del frames[1][0]
    shown = viewer.animate(frames, alt="Two atoms, one of which goes and comes")
    molecule, controls = shown.widget.children
    slider = controls.children[1]
    assert len(molecule._ngl_component_ids) == slider.max + 1 == 3
    for frame in (0, 2):  # the first one is shown before anybody moves the slider
        slider.value = frame
        said = [m for m in molecule._ngl_msg_archive if m["methodName"] == "setVisibility"]
        assert {m["component_index"]: m["args"] for m in said} == {n: [n == frame] for n in range(3)}
    assert set(shown._repr_mimebundle_()) == KINDS
    assert shown.picture != viewer.animate(frames[:1] * 3, alt="Two atoms at rest").picture


def test_a_map_links_points_to_atoms_also_after_an_import_that_was_cut_short(pair, monkeypatch):
    properties = {"x (Å)": [0.0, 1], "y (Å)": [0.0, 2], "angle (degree)": [5.0, 6], "more": [1.0, 0]}
    shown = viewer.linked_map([pair, pair], properties, alt="Two points")
    assert shown.widget is not None
    assert "angle (degree)" in shown.widget.value
    assert set(shown._repr_mimebundle_()) == KINDS
    pytest.importorskip("chemiscope.widget")
    monkeypatch.delitem(sys.modules, "chemiscope")  # what Python does; the parts that it had imported stay
    assert viewer.linked_map([pair], {"x": [0], "y": [0], "c": [0]}, alt="One point").widget is not None


def test_a_map_calls_no_statistics_service(pair, monkeypatch):
    sent = []
    monkeypatch.setattr("chemiscope.widget.ChemiscopeWidget.open", lambda self: sent.append(self.get_state()["_esm"]))
    viewer.linked_map([pair], {"x": [0], "y": [0], "c": [0]}, alt="One point")
    assert len(sent[0]) > 100_000
    assert "plausible.io" not in sent[0], "chemiscope's page reports every map that is opened"


NO_NUMBER = Atoms("Si", [[float("nan"), 0, 0]])
ARROW = plotting.Arrow([0.0, 0, 0], [1.0, 0, 0], 1.0)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda pair: viewer.view(Atoms(), alt="None"), "n_atoms must be"),
        (lambda pair: viewer.view(NO_NUMBER, alt="One"), "NaN or infinity"),
        (lambda pair: viewer.view(pair, alt=" "), "alt is empty"),
        (lambda pair: viewer.view(pair, alt="a", centre=2), "no atom 2 to mark: these are atoms 0 to 1"),
        (lambda pair: viewer.view(pair, alt="a", kinds=[1]), "one kind for each of 2 atoms: 1 arrived"),
        (lambda pair: viewer.view(pair, alt="a", arrows=[ARROW._replace(strength=float("nan"))]), "NaN or infinity"),
        (lambda pair: viewer.view(pair, alt="a", arrows=[ARROW._replace(end=[float("inf"), 0, 0])]), "NaN or infinity"),
        (lambda pair: viewer.view(Atoms("Si", cell=[6, 6, 6]), alt="a", arrows=[ARROW]), "take the cell away"),
        (lambda pair: viewer.animate([], alt="a"), "n_frames must be"),
        (lambda pair: viewer.animate([pair, pair[:0]], alt="a"), "n_atoms must be"),
        (lambda pair: viewer.animate([pair], alt=" "), "alt is empty"),
        (lambda pair: viewer.linked_map([pair], {"x": [1], "y": [1]}, alt="a"), "three properties at least"),
        (lambda pair: viewer.linked_map([pair], {"x": [1], "y": [1], "c": [1, 2]}, alt="a"), "each of 1 clusters"),
    ],
)
def test_what_cannot_be_shown_is_refused(pair, call, message):
    with pytest.raises(ValueError, match=message):
        call(pair)
