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
