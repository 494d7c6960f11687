"""Motifs of amorphous silicon grown atom by atom by a local head, beside notebook 07's flow and the floor.

The head is trained on motifs of which a random part is there and the rest is asked for. Two ways of drawing the next
atom: at a peak of the field, or anywhere, in proportion to the field. The flow's figures are those that
`benchmarks.flow_matching` has stored.
"""

import time
from dataclasses import replace

import torch
from torch import Generator, Tensor
from torch.nn.functional import logsigmoid, normalize

from benchmarks import flow_matching
from benchmarks.harness.store import Call, Runs
from benchmarks.harness.table import Benchmark, Figure, mean_and_spread, stored
from tutorial_lib import datasets, representations, training
from tutorial_lib.metrics import motif_statistics
from tutorial_lib.models import hierarchical
from tutorial_lib.models.hierarchical.growth import FAR, GrowthHead
from tutorial_lib.models.spherical import excess_cross_entropy, gaussian_targets, uphill

N = motif_statistics.N_COMPARED
N_ATOMS = 8
BOND = 2.35  # A
RADIUS = 4.05 / BOND  # where a motif ends, in bonds
WIDTH = 0.05  # of a blob, in bonds
SHAKE = 0.01  # of the examples, in bonds
RECIPE = training.Recipe(epochs=60, batch_size=128)
N_ASKED = 96  # places about each motif, in one step of the training
N_BINS = 80  # of distances
N_PLACES = 1500  # among which an atom is drawn
N_CLIMBS = 12
N_AT_ONCE = 32  # motifs, to save memory
WAYS = ("at a peak", "from the field")
SCORES = ("W_r (A)", "W_dij (A)", "W_angle (degree)", "valid (share)", "covered (share)", "novel (share)", "AUC")


class Shells:
    """Places in all directions, as far from the centre as the atoms of motifs are."""

    def __init__(self, positions: Tensor):
        r = positions.norm(dim=2).flatten()
        self.edges = torch.linspace(r.min().item() - 0.01, r.max().item() + 0.01, N_BINS + 1)
        self.share = torch.histogram(r, self.edges).hist + 1
        self.share = self.share / self.share.sum()

    def draw(self, shape: tuple[int, int], generator: Generator) -> tuple[Tensor, Tensor]:
        """(*shape, 3) places in bonds, and (*shape,) the log of their density but for a constant."""
        at = torch.multinomial(self.share, shape[0] * shape[1], replacement=True, generator=generator).view(shape)
        width = self.edges[1] - self.edges[0]
        r = self.edges[at] + width * torch.rand(shape, generator=generator)
        direction = normalize(torch.randn(*shape, 3, generator=generator), dim=2)
        return r[..., None] * direction, self.share[at].log() - 2 * r.log()


def centre_loss(shells: Shells):
    """How far the field of the centre is from blobs about the atoms that are missing, of which a random part is."""

    def loss(head: GrowthHead, batch: Tensor, generator: Generator) -> dict[str, Tensor]:
        order = torch.rand(batch.shape[:2], generator=generator).argsort(dim=1)
        x = batch.gather(1, order[..., None].expand(-1, -1, 3))
        n = torch.randint(N_ATOMS, (len(x),), generator=generator)
        there = (torch.arange(N_ATOMS) < n[:, None])[..., None]
        seen = x + SHAKE * torch.randn(x.shape, generator=generator)
        missing = x.where(~there, x.new_tensor(FAR))
        which = (n[:, None] + torch.rand(len(x), N_ASKED // 2, generator=generator) * (N_ATOMS - n)[:, None]).long()
        near = x.gather(1, which[..., None].expand(-1, -1, 3))
        stretch = torch.rand(*near.shape[:2], 1, generator=generator) * 4 * WIDTH
        places = torch.cat(
            [near + stretch * torch.randn(near.shape, generator=generator), shells.draw(near.shape[:2], generator)[0]],
            dim=1,
        )
        signals = _of_centres(head, torch.where(there, seen, 0.0), n)
        of = torch.arange(len(x)).repeat_interleave(places.shape[1])
        logits = head.field(signals, places.flatten(0, 1), of)
        return {"loss": excess_cross_entropy(logits, gaussian_targets(places, missing, WIDTH).flatten())}

    return loss


def _of_centres(head: GrowthHead, atoms: Tensor, counts: Tensor) -> Tensor:
    """What the centres know of the first atoms of each motif."""
    clouds = torch.cat([atoms.new_zeros(len(atoms), 1, 3), atoms], dim=1)
    kinds = torch.ones(clouds.shape[:2], dtype=torch.long)
    kinds[:, 0] = 0
    signals = head(hierarchical.points_of(clouds, counts + 1, kinds))
    return signals[:, (counts + 1).cumsum(0) - counts - 1]


def grown(head: GrowthHead, shells: Shells, n_motifs: int, way: str, generator: Generator) -> Tensor:
    """(n_motifs, 8, 3), angstrom: atoms are drawn one by one by the field of the centre, which sees all the others."""
    done = []
    for begin in range(0, n_motifs, N_AT_ONCE):
        atoms = torch.zeros(min(N_AT_ONCE, n_motifs - begin), 0, 3)
        for n in range(N_ATOMS):
            with torch.no_grad():
                signals = _of_centres(head, atoms, torch.full((len(atoms),), n))
                places, density = shells.draw((len(atoms), N_PLACES), generator)
                log_p = _log_p(head, signals, places)
            at = torch.multinomial((log_p - density).softmax(dim=1), 1, generator=generator)
            place = places.gather(1, at[..., None].expand(-1, -1, 3))
            atoms = torch.cat([atoms, _climbed(head, signals, place) if way == WAYS[0] else place], dim=1)
        done.append(atoms)
    return BOND * torch.cat(done)


def _log_p(head: GrowthHead, signals: Tensor, places: Tensor) -> Tensor:
    of = torch.arange(len(places)).repeat_interleave(places.shape[1])
    return logsigmoid(head.field(signals, places.flatten(0, 1), of)).view(places.shape[:2])


def _climbed(head: GrowthHead, signals: Tensor, place: Tensor) -> Tensor:
    for _ in range(N_CLIMBS):
        place = uphill(lambda at: _log_p(head, signals, at[:, None]), place[:, 0], WIDTH)[:, None]
    return place


def measured(seed: int) -> dict:
    """One training of the head, and the scores of what it grows."""
    motifs = {name: representations.nearest_neighbours(datasets.load_amorphous(name)) for name in ("train", "test")}
    cells = {name: found.positions.float() for name, found in motifs.items()}
    head = GrowthHead(cutoff=3.5, radius=RADIUS, width=WIDTH, kinds=2, seed=seed)
    began = time.process_time()
    x = cells["train"] / BOND
    shells = Shells(x)
    history = training.train(head, x, centre_loss(shells), replace(RECIPE, seed=seed), device="cpu", progress=False)
    losses, seconds = history["loss"], time.process_time() - began
    result = {"seed": seed, "seconds": seconds, "loss": losses[:: max(1, len(losses) // 10)]}
    for way in WAYS:
        made = grown(head, shells, N, way, Generator().manual_seed(seed))
        found = flow_matching.scores(made, cells["test"], cells["train"])
        result[way] = {name: found[name] for name in SCORES}
    return result


def all_runs(runs: Runs, seeds: list[int]) -> dict:
    """Every seed."""
    return {"runs": runs.map([Call(measured, seed) for seed in seeds])}


def all_figures(series: dict) -> list[Figure]:
    """Scores of both ways of drawing, beside those of the flow and the floor."""
    beside, figures = stored("flow_matching"), []
    for name in SCORES:
        flow = [run["scores"][name] for run in beside["runs"][flow_matching.CANONICAL]]
        asked = f"reported; flow {mean_and_spread(flow, 3)}; floor {beside['cheats']['floor'][name]:.3f}"
        for way in WAYS:
            values = [run[way][name] for run in series["runs"]]
            figures.append(Figure(f"drawn {way}: {name}", asked, mean_and_spread(values, 3)))
    seconds = [run["seconds"] for run in series["runs"]]
    return [*figures, Figure("training (CPU seconds)", "reported", mean_and_spread(seconds, 0))]


BENCHMARK = Benchmark("grown_motifs", all_runs, all_figures)
