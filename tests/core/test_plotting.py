import base64
import io
import re

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from ase import Atoms
from ase.build import bulk
from PIL import Image

from tutorial_lib import metrics, plotting
from tutorial_lib.datasets import hamiltonians


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


@pytest.fixture
def ax():
    return plotting.panels(1)[0]


def test_every_figure_returns_its_axis_with_labels(ax):
    sample = torch.randn(30, generator=torch.Generator().manual_seed(0))
    history = {"run": {"kl": [3.0, 2.0]}}
    drawn = [
        plotting.curve(ax, [1, 2], [3, 4], colour="model", label="a", xlabel="r (Å)", ylabel="g"),
        plotting.distributions(ax, {"a": ("real", sample)}, xlabel="angle (degree)"),
        plotting.matrix(ax, torch.eye(3), title="one", limit=1.0),
        plotting.training_history(ax, history, term="kl"),
        plotting.bars(ax, {"a": ("baseline", 1.0)}, ylabel="error (Å²)"),
        plotting.seeds(ax, [0.1, 1], [[1, 2], [3, 4]], xlabel="β", ylabel="error (Å²)"),
        plotting.points(ax, [1, 2], [3, 4], colour="real", label="a", xlabel="r (Å)", ylabel="energy (eV)"),
    ]
    for axis in drawn:
        assert axis is ax
        assert axis.get_ylabel()


def test_a_table_of_dots_has_its_first_row_on_top_and_a_marker_for_each_column(ax):
    table = {"first": [1.0, 2.0], "second": [3.0, 4.0]}
    assert plotting.rows(ax, table, {"a": "baseline", "b": "model"}, xlabel="error (Å)") is ax
    assert [[list(line.get_xdata()), line.get_label()] for line in ax.lines] == [[[3, 1], "a"], [[4, 2], "b"]]
    assert [text.get_text() for text in ax.get_yticklabels()] == ["second", "first"]
    assert (ax.get_xlabel(), ax.lines[0].get_marker() != ax.lines[1].get_marker()) == ("error (Å)", True)


def test_signals_stand_at_their_points_and_nothing_is_refused():
    directions = torch.nn.functional.normalize(torch.randn(6, 6, 3, generator=torch.Generator().manual_seed(0)), dim=2)
    points = torch.eye(3)
    figure = plotting.signals({"points": (points, None), "signals": (points, torch.ones(3, 6, 6))}, directions)
    assert [ax.get_title() for ax in figure.axes] == ["points", "signals"]
    alone, with_signals = (len(ax.collections) for ax in figure.axes)
    assert with_signals > alone


def test_a_curve_has_the_colour_of_its_object_and_a_histogram_is_a_density(ax):
    plotting.curve(ax, [1, 2], [3, 4], colour="generated", label="a", xlabel="x", ylabel="y")
    assert ax.lines[0].get_color() == plotting.COLOURS["generated"]
    sample = torch.randn(1000, generator=torch.Generator().manual_seed(0))
    plotting.distributions(ax, {"a": ("real", sample)}, xlabel="x")
    values, edges, _ = ax.patches[0].get_data()
    assert np.sum(values * np.diff(edges)) == pytest.approx(1)


def test_a_still_is_a_png_that_shows_atoms_bonds_and_the_cell():
    pair, far = Atoms("Si2", [[0, 0, 0], [2.8, 0, 0]]), Atoms("Si2", [[0, 0, 0], [2.9, 0, 0]])
    apart, joined, marked = plotting.still(far, None), plotting.still(pair, None), plotting.still(pair, 0)
    # Silicon is joined below 2.84 A: the figure scales with the atoms, so that only the bond tells these two apart.
    assert joined != apart
    pair.cell = [6, 6, 6]
    assert joined.startswith(b"\x89PNG")
    assert len({apart, joined, marked, plotting.still(pair, None)}) == 4


def test_a_still_gives_elements_their_colours_and_can_be_seen_from_elsewhere():
    positions = [[0, 0, 0], [1.4, 0, 0]]
    assert len({plotting.still(Atoms(symbols, positions), None) for symbols in ("C2", "N2", "CN", "Si2")}) == 4
    bent = Atoms("H2O", [[1, 0, 0], [0, 1, 0.5], [0, 0, 0]])
    assert plotting.still(bent, None) != plotting.still(bent, None, camera="30x")


def test_a_gallery_shows_strings_bits_tables_and_matrices():
    things = {"text": "c1ccccc1", "bits": np.array([1, 128] * 8, dtype=np.uint8), "table": np.eye(4, 3), "g": np.eye(4)}
    axes = plotting.gallery(things, {"g": "Å²"})
    assert [axis.get_title() for axis in axes] == list(things)
    assert axes[0].texts[0].get_text() == "c1ccccc1"
    assert len(axes[1].lines[0].get_xdata()) == 16, "one mark a bit that is set"
    assert axes[2].texts[0].get_text().count("\n") == 4, "a line of names and four atoms"
    assert axes[3].images


def test_digits_stand_in_a_row_with_their_titles():
    axes = plotting.digits(plotting.panels(2), torch.rand(2, 8, 8), titles=["a", "b"])
    assert [axis.get_title() for axis in axes] == ["a", "b"]


def test_a_map_draws_each_code_as_the_figure_of_its_class(ax):
    plotting.latent_map(ax, torch.randn(20, 2), torch.arange(20) % 10, title="codes")
    assert [line.get_marker() for line in ax.lines] == [f"${figure}$" for figure in range(10)]
    assert ax.get_ylabel()


def test_coordination_counts_bonds_through_the_walls_and_writes_down_those_that_are_not_four(ax):
    crystal = bulk("Si", cubic=True).repeat(2)
    assert plotting.coordination(ax, crystal, title="whole") is ax
    assert not [text for text in ax.texts if text.get_text()], "all atoms have four bonds"
    (ax,) = plotting.panels(1)
    del crystal[int(crystal.positions[:, 1].argmin())]  # an atom at a wall, whose neighbours are all around
    plotting.coordination(ax, crystal, title="one missing")
    written = [text.get_text() for text in ax.texts if text.get_text()]
    assert written
    assert set(written) == {"3"}
    assert len(written) <= 4


def test_a_flow_chart_has_a_box_for_every_text_and_an_arrow_for_every_pair(ax):
    boxes = {"in": ("real", 0.1, 0.5), "out": ("model", 0.9, 0.5)}
    plotting.flow_chart(ax, boxes, [("in", "out")])
    words = [text for text in ax.texts if text.get_text()]
    assert [text.get_text() for text in words] == ["in", "out"]
    assert words[0].get_position() == (0.1, 0.5)
    (arrow,) = [text for text in ax.texts if not text.get_text()]
    assert arrow.xy == (0.9, 0.5)
    assert arrow.arrow_patch.patchB is words[1].get_bbox_patch()


SPHERE = torch.nn.functional.normalize(torch.ones(6, 6, 3), dim=2)
VALUES = r"values must be \(rows, columns\)"
REFUSED = [
    (lambda ax: plotting.distributions(ax, {}, xlabel="x"), "n_samples must be"),
    (lambda ax: plotting.matrix(ax, torch.zeros(2, 3, 3), title="two", limit=1.0), VALUES),
    (lambda ax: plotting.orbital_matrix(ax, torch.zeros(2, 2, 2), title="H", limit=1.0), VALUES),
    (lambda ax: plotting.orbital_matrix(ax, torch.eye(3), title="H", limit=1.0, functions=["O 1s"]), "labels"),
    (lambda ax: plotting.cross_section(ax, torch.ones(3), torch.zeros(1, 2), title="", limit=1.0), VALUES),
    (lambda ax: plotting.density(ax, torch.rand(5), torch.zeros(1, 2), bonded=2.4, limit=4.0), VALUES),
    (lambda ax: plotting.cross_section(ax, torch.eye(5), torch.zeros(4, 3), title="", limit=1.0), "points must be"),
    (lambda ax: plotting.density(ax, torch.eye(5), torch.zeros(2), bonded=2.4, limit=4.0), "points must be"),
    (lambda ax: plotting.arrows(ax, torch.eye(3), {"v": ("model", torch.ones(2, 3))}, title=""), "v must be"),
    (lambda ax: plotting.still(Atoms(), None), "n_atoms must be"),
    (lambda ax: plotting.strip([], None), "n_frames must be"),
    (lambda ax: plotting.scatter_map({"x": np.ones(1)}), "two axes and a colour"),
    (lambda ax: plotting.gallery({}, {}), "n_things must be"),
    (lambda ax: plotting.flow_chart(ax, {}, []), "n_boxes must be"),
    (lambda ax: plotting.digits([ax, ax], torch.rand(1, 8, 8), titles=["a", "b"]), "argument"),
    (lambda ax: plotting.latent_map(ax, torch.randn(5, 3), torch.arange(5), title=""), r"codes must be \(codes, 2\)"),
    (lambda ax: plotting.signals({}, torch.ones(6, 6, 3)), "n_panels must be"),
    (lambda ax: plotting.lobes([], torch.ones(6, 6, 3)), "n_functions must be"),
    # Points without a third coordinate are no points in space: matplotlib draws them on the floor and says nothing.
    (lambda ax: plotting.signals({"a": (torch.eye(2), None)}, SPHERE), r"positions of 'a' must be \(points, 3\)"),
    (lambda ax: plotting.signals({"a": (torch.eye(3), torch.ones(3, 1, 6))}, SPHERE), "directions must be"),
    (lambda ax: plotting.lobes([{"a": torch.ones(1, 6)}], SPHERE), "directions must be"),
    *(
        (lambda ax, hole=hole: plotting.candidates(ax, hole, title=""), "must be")
        for hole in (
            plotting.Hole(torch.ones(4, 2), torch.ones(1, 3), torch.ones(2, 3), torch.ones(2)),
            plotting.Hole(torch.ones(4, 3), torch.ones(1, 2), torch.ones(2, 3), torch.ones(2)),
            plotting.Hole(torch.ones(4, 3), torch.ones(1, 3), torch.ones(2, 3), torch.ones(1)),
        )
    ),
]


@pytest.mark.parametrize(("draw", "message"), REFUSED)
def test_what_cannot_be_drawn_is_refused(ax, draw, message):
    with pytest.raises(ValueError, match=message):
        draw(ax)


def test_sample_paths_begin_in_rings_and_end_in_dots_over_the_data(ax):
    paths = torch.arange(24.0).view(3, 4, 2) / 10
    assert plotting.sample_paths(ax, torch.zeros(5, 2), paths, title="steps: 2") is ax
    data, *lines, starts, ends = ax.lines
    assert len(data.get_xdata()) == 5
    assert len(lines) == 4
    assert np.allclose(lines[1].get_xydata(), paths[:, 1])
    assert np.allclose(starts.get_xydata(), paths[0])
    assert np.allclose(ends.get_xydata(), paths[-1])
    assert ax.get_aspect() == 1
    assert "x" in ax.get_xlabel()


def test_arrows_stand_at_their_points(ax):
    points, vectors = torch.eye(3)[:2], torch.tensor([[0.5, 0.0, 0.0], [0.0, -0.5, 0.0]])
    plotting.arrows(ax, points, {"velocity": ("model", vectors)}, title="two")
    drawn, dots = ax.collections
    for marks in (drawn, dots):
        np.testing.assert_allclose(marks.get_offsets(), points[:, :2])
    np.testing.assert_allclose(np.stack([drawn.U, drawn.V], axis=1), vectors[:, :2])
    assert "Å" in ax.get_xlabel()


def test_lobes_are_filled_where_positive_and_a_mesh_where_not():
    theta, phi = np.meshgrid(np.linspace(0, np.pi, 20), np.linspace(0, 2 * np.pi, 20))
    directions = np.stack([np.sin(theta) * np.cos(phi), np.sin(theta) * np.sin(phi), np.cos(theta)], axis=-1)
    x, _, z = directions.transpose(2, 0, 1)
    figure = plotting.lobes([{"one": np.ones((20, 20))}, {"z": z, "x": x}], directions)
    assert [ax.get_title() for ax in figure.axes] == ["one", "z", "x"]
    surface, mesh = figure.axes[1].collections
    assert (type(surface).__name__, type(mesh).__name__) == ("Poly3DCollection", "Line3DCollection")
    assert max(segment[:, 2].max() for segment in mesh._segments3d) < 1e-6, "the mesh is where z is negative"
    *_, ax = plotting.lobes([{"one": np.ones((20, 20))}], directions, axes="zxy").axes
    assert [text.get_text() for text in ax.texts] == ["z", "x", "y"]


def test_candidates_are_as_large_as_their_share_and_as_far_from_the_missing_atom_as_they_look(ax):
    known, missing = 2.3 * torch.eye(3), torch.tensor([[0.3, 0, -2.3]])
    guessed = torch.tensor([[0.0, -2.0, -1.0], [1.0, 0, -3.0]])
    plotting.candidates(ax, plotting.Hole(known, missing, guessed, torch.tensor([0.8, 0.2])), title="one")
    assert ax.get_title() == "one"
    *_, others, first, ring = ax.collections
    assert first.get_sizes()[0] > 2 * others.get_sizes()[0]
    np.testing.assert_allclose(ring.get_offsets(), [[0, missing.norm()]], atol=1e-6)
    drawn = np.linalg.norm(first.get_offsets() - ring.get_offsets())
    assert drawn == pytest.approx((guessed[0] - missing[0]).norm().item())
    assert len(ax.lines) == 3, "the bonds of the centre"
    assert "Å" in ax.get_ylabel()


@pytest.mark.parametrize("guess", [-1.0, 0.0, 2.0])
def test_a_first_guess_in_line_with_the_missing_atom_is_drawn(ax, guess):
    missing = torch.tensor([[0.0, 2.0, 0.0]])
    plotting.candidates(ax, plotting.Hole(torch.eye(3), missing, guess * missing, torch.ones(1)), title="")
    *_, first, ring = ax.collections
    np.testing.assert_allclose([*first.get_offsets(), *ring.get_offsets()], [[0, 2 * guess], [0, 2]], atol=1e-6)


def test_a_field_is_in_edges_of_a_cube_and_a_density_has_its_truth_in_a_ring(ax):
    assert plotting.cross_section(ax, torch.eye(5), torch.zeros(2, 2), title="a field", limit=1.0) is ax
    assert "edges of a cube" in ax.get_xlabel()
    (ax,) = plotting.panels(1)
    plotting.density(ax, torch.rand(5, 5), torch.tensor([[1.0, 2.0]]), bonded=2.4, limit=4.0)
    np.testing.assert_allclose(ax.lines[0].get_xydata(), [[1.0, 2.0]])
    assert "Å" in ax.get_xlabel()


def test_a_curve_of_one_seed_is_called_one_run_and_not_a_mean(ax):
    for runs in ([[1.0], [2.0]], [[1.0, 2.0], [3.0, 4.0]]):
        plotting.seeds(ax, [8, 16], runs, xlabel="neighbours", ylabel="error (Å)", label="x")
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["x, one run", "x, mean of 2 seeds"]


def test_a_matrix_of_orbitals_names_its_functions_and_its_unit(ax):
    names = ["O 1s", "H 1s"]
    plotting.orbital_matrix(ax, torch.eye(2), title="H", limit=1.0, functions=names, unit="microhartree")
    assert [label.get_text() for label in ax.get_yticklabels()] == names
    assert [label.get_text() for label in ax.get_xticklabels()] == names
    assert ax.images[0].colorbar.ax.get_ylabel() == "microhartree"
    assert ax.images[0].get_clim() == (-1.0, 1.0)
    plotting.orbital_matrix(ax, torch.eye(2), title="errors", limit=1.0, signed=False)
    assert ax.images[1].get_clim() == (0.0, 1.0)


def test_functions_of_the_basis_overlap_as_stored():
    line = torch.arange(-30, 31, dtype=torch.float64) * 0.12  # A
    for name in ("water", "ammonia"):
        molecule = hamiltonians.load(f"{name}_rhf_500k", "test")[:1]
        points = torch.cartesian_prod(line, line, line) + molecule.positions[0].mean(dim=0)
        values = plotting.basis_values(molecule, points)
        found = values.mT @ values * (0.12 / 0.529177) ** 3
        torch.testing.assert_close(found[1:, 1:], molecule.overlap[0, 1:, 1:], atol=2e-3, rtol=0)  # 1s is too narrow


def test_an_orbital_and_its_negative_are_drawn_alike_and_a_node_is_empty(ax):
    molecule = hamiltonians.load("water_rhf_500k", "test")[:1]
    _, c = metrics.orbitals(molecule.fock, molecule.overlap)
    for column in (c[0, :, 2], -c[0, :, 2], c[0, :, 4]):
        plotting.orbital(ax, molecule, column, title="")
    one, other, empty = (np.asarray(image.get_array()) for image in ax.images)
    np.testing.assert_allclose(one, other)
    assert np.abs(one).max() > 0.3
    assert np.abs(empty).max() < 1e-6


def test_only_the_smallest_basis_can_be_drawn():
    molecule = hamiltonians.load("water_rhf_svp_500k", "test")[:1]
    with pytest.raises(ValueError, match="larger than STO-3G"):
        plotting.basis_values(molecule, torch.zeros(1, 3))


def test_a_film_stands_still_until_it_is_opened_and_has_words_for_whoever_does_not_see_it():
    crystal = bulk("Si", cubic=True).repeat(2)
    frames = {"whole": crystal, "one missing": crystal[1:], "two": crystal[2:]}
    shown = plotting.film(frames, alt='atoms that "leave"').data
    assert re.match(r"<details><summary>Play: 3 pictures.*</summary><img alt=\"atoms that &quot;leave&quot;\" ", shown)
    moving = Image.open(io.BytesIO(base64.b64decode(re.search(r"data:image/webp;base64,([^\"]+)", shown)[1])))
    assert moving.n_frames == 3
    with pytest.raises(ValueError, match="alt is empty"):
        plotting.film(frames, alt=" ")
    with pytest.raises(ValueError, match="n_frames"):
        plotting.film({}, alt="nothing")
