"""Notebook 10's figures: levels that are found, and molecules with their species and energies."""

import warnings

import numpy as np
import torch
from ase import Atoms
from sklearn.linear_model import RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import Generator, Tensor, nn

from benchmarks.harness.store import Call, Runs
from benchmarks.harness.table import Benchmark, Figure, at_most, mean_and_spread
from benchmarks.hierarchical_autoencoder import equivariance, trained
from tutorial_lib import representations, training
from tutorial_lib.datasets import g2, octahedra
from tutorial_lib.models import hierarchical
from tutorial_lib.models.hierarchical import HierarchicalAutoencoder
from tutorial_lib.training import recipes

N_TEST = 40  # fresh clusters of each size
N_POSES = 3
JUDGED = "found, judged"
HOW = ("found", "flat", "three", "pairs", JUDGED)
SIZES = (10, 50, 118)  # molecules whose energies are known
ALPHAS = np.logspace(-3, 5, 17)


def test_clusters() -> dict[int, list[octahedra.Octahedra]]:
    """Fresh clusters of one to six octahedra, the same for all."""
    generator = Generator().manual_seed(1000)
    return {n: [octahedra.cluster(n, generator) for _ in range(N_TEST)] for n in range(1, 7)}


def on_octahedra(how: str, seed: int) -> dict:
    """Reconstruction of fresh clusters of octahedra, by their number."""
    clouds = hierarchical.octahedra_to_train_on(seed)
    levels = how.split(",")[0]
    model = hierarchical.octahedra_autoencoder(clouds, levels, judges=how == JUDGED, seed=seed)
    seconds = trained(model, hierarchical.padded(clouds), recipes.octahedra(levels, seed))
    found: dict = {"seconds": seconds, "numbers": model.latent_irreps.dim, "exact": {}}
    for n, clusters in test_clusters().items():
        errors = hierarchical.reconstruction_errors(model, [cluster.points for cluster in clusters])
        found["exact"][n] = {str(d): (errors < d).double().mean().item() for d in (0.1, 0.2)}
        found["exact"][n]["another number"] = errors.isinf().double().mean().item()
    if how == "found":
        found["equivariance"] = equivariance(model, torch.stack([c.points for c in test_clusters()[3][:4]]), n_turns=20)
        found |= {"as given": as_given(model)}
    return found


def as_given(model: HierarchicalAutoencoder) -> float:
    """The share of fresh clusters whose found clusters are the octahedra, member by member."""
    right = []
    for cluster in [c for some in test_clusters().values() for c in some]:
        points = hierarchical.points_of(*hierarchical.padded([cluster.points]))
        pooling = hierarchical.pooled(points, model.levels[:1])[0]
        found = {frozenset(pooling.member[pooling.cluster == k].tolist()) for k in range(len(pooling.centres.cloud))}
        near = torch.cdist(cluster.middles, cluster.points) < 1.1
        right.append(found == {frozenset(row.nonzero().flatten().tolist()) for row in near})
    return float(np.mean(right))


def posed(molecules: list[Atoms], generator: Generator) -> list[Atoms]:
    """Molecules in random poses, mirror images among them."""
    turned = []
    for atoms in molecules:
        atoms = atoms.copy()
        atoms.positions = (
            atoms.positions @ representations.random_orthogonal(generator, (), torch.float64).numpy().T + 1
        )
        turned.append(atoms)
    return turned


def come_back(model: HierarchicalAutoencoder, molecules: list[Atoms]) -> dict:
    """The shares that come back in random poses, and the names of those that do not."""
    generator, geometry, right, missed = Generator().manual_seed(7), [], [], set()
    for _ in range(N_POSES):
        some = posed(molecules, generator)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = [m for part in range(0, len(some), 30) for m in decoded(model, some[part : part + 30])]
        for there, here in zip(some, found, strict=True):
            centred = torch.tensor(there.positions - there.positions.mean(axis=0))
            geometry.append(hierarchical.worst_distance(torch.tensor(here.positions), centred) < 0.2)
            right.append(hierarchical.same_molecule(here, there))
            if not right[-1]:
                missed.add(there.info["name"])
    return {"geometry": float(np.mean(geometry)), "and species": float(np.mean(right)), "missed": sorted(missed)}


def decoded(model: HierarchicalAutoencoder, molecules: list[Atoms]) -> list[Atoms]:
    """What comes back of molecules."""
    return hierarchical.decode_atoms(model, hierarchical.encode_atoms(model, molecules))


class FromScratch(nn.Module):
    """The same way up, untrained, and a linear head."""

    def __init__(self, seed: int):
        super().__init__()
        self.encoder = hierarchical.molecule_autoencoder(seed)
        irreps = self.encoder.latent_irreps
        self.head = nn.Linear(hierarchical.invariants(torch.zeros(1, irreps.dim), irreps).shape[1], 1)

    def forward(self, positions: Tensor, counts: Tensor, species: Tensor) -> Tensor:
        """Energies (N,), in standard deviations."""
        points = hierarchical.points_of(positions, counts, species)
        code = hierarchical.codes_of(self.encoder.ascend(hierarchical.pooled(points, self.encoder.levels))[-1])
        return self.head(hierarchical.invariants(code, self.encoder.latent_irreps))[:, 0]


def energies(model: HierarchicalAutoencoder, seen: list[Atoms], unseen: list[Atoms], seed: int) -> dict:
    """Mean absolute errors of energies per atom of unseen molecules (eV), by how many seen ones have a known energy.

    Ridge regressions, each as strong as leave-one-out errors of the known molecules ask for.
    """
    order = torch.randperm(len(seen), generator=Generator().manual_seed(seed)).tolist()
    truth, known = (np.array([atoms.info["energy"] for atoms in some]) for some in (unseen, seen))
    code = {
        which: hierarchical.invariants(hierarchical.encode_atoms(model, some), model.latent_irreps).numpy()
        for which, some in (("seen", seen), ("unseen", unseen))
    }
    made_of = {
        which: np.array([[np.mean(atoms.symbols == symbol) for symbol in model.species] for atoms in some])
        for which, some in (("seen", seen), ("unseen", unseen))
    }
    found: dict = {"mean": {}, "composition": {}, "frozen code": {}}
    for size in SIZES:
        some = order[:size]
        found["mean"][size] = np.abs(known[some].mean() - truth).mean()
        for name, features in (("composition", made_of), ("frozen code", code)):
            fit = make_pipeline(StandardScaler(), RidgeCV(ALPHAS)).fit(features["seen"][some], known[some])
            found[name][size] = np.abs(fit.predict(features["unseen"]) - truth).mean()
    return found


def energies_of_elements(seed: int) -> dict[int, float]:
    """The same errors of one energy for each element, fitted to whole molecules by least squares."""
    seen, unseen = g2.split(seed)
    order = torch.randperm(len(seen), generator=Generator().manual_seed(seed)).tolist()
    symbols = g2.elements(g2.molecules())
    counts, others = (np.array([[atoms.symbols.count(s) for s in symbols] for atoms in x]) for x in (seen, unseen))
    energy, truth = (np.array([atoms.info["energy"] for atoms in some]) for some in (seen, unseen))
    found = {}
    for size in SIZES:
        some = order[:size]
        of_element = np.linalg.lstsq(counts[some], energy[some] * counts[some].sum(axis=1))[0]
        found[size] = np.abs(others @ of_element / others.sum(axis=1) - truth).mean()
    return found


def energies_from_scratch(seed: int) -> dict[int, float]:
    """The same errors of networks that were trained for the energies alone."""
    seen, unseen = g2.split(seed)
    order = torch.randperm(len(seen), generator=Generator().manual_seed(seed)).tolist()
    return {size: from_scratch([seen[i] for i in order[:size]], unseen, seed) for size in SIZES}


def from_scratch(seen: list[Atoms], unseen: list[Atoms], seed: int) -> float:
    """One such error. The learning rate was chosen on unseen molecules of seed 0, which favours this rival."""
    model = FromScratch(seed)
    energy = torch.tensor([atoms.info["energy"] for atoms in seen])
    mean, scale = energy.mean(), energy.std()
    data = (*hierarchical.examples(model.encoder, seen), ((energy - mean) / scale).float())

    def loss(model: nn.Module, batch: tuple, generator: Generator) -> dict:
        positions, counts, species, target = batch
        positions = positions + 0.02 * torch.randn(positions.shape, generator=generator)
        return {"loss": (model(positions, counts, species) - target).square().mean()}

    batch = min(16, len(seen))
    steps_an_epoch = -(-len(seen) // batch)
    recipe = training.Recipe(epochs=400 // steps_an_epoch, batch_size=batch, learning_rate=5e-3, seed=seed)
    training.train(model, data, loss, recipe, device="cpu", progress=False)
    with torch.no_grad():
        guess = model(*hierarchical.examples(model.encoder, unseen)) * scale + mean
    return float(np.abs(guess.numpy() - np.array([atoms.info["energy"] for atoms in unseen])).mean())


def on_molecules(seed: int) -> dict:
    """Molecules seen and unseen, and their energies."""
    seen, unseen = g2.split(seed)
    model = hierarchical.molecule_autoencoder(seed)
    seconds = trained(model, hierarchical.examples(model, seen), recipes.g2(seed), recipes.MOLECULES_RATTLE)
    few, their_species = hierarchical.clouds_of(model, [atoms for atoms in seen if len(atoms) == 9][:4])
    return {
        "seconds": seconds,
        "numbers": model.latent_irreps.dim,
        "seen": come_back(model, seen),
        "unseen": come_back(model, unseen),
        "energies": energies(model, seen, unseen, seed),
        "equivariance": equivariance(model, torch.stack(few), their_species, n_turns=20),
    }


def all_runs(runs: Runs, seeds: list[int]) -> dict:
    """Everything, over seeds; levels are compared at equal time."""
    calls = {("octahedra", how, seed): Call(on_octahedra, how, seed, alone=True) for how in HOW for seed in seeds}
    calls |= {("molecules", seed): Call(on_molecules, seed) for seed in seeds}
    calls |= {("scratch", seed): Call(energies_from_scratch, seed) for seed in seeds}
    calls |= {("elements", seed): Call(energies_of_elements, seed) for seed in seeds}
    found = runs.by_key(calls)
    for seed in seeds:
        found["molecules", seed]["energies"] |= {
            "from scratch": found["scratch", seed],
            "elements": found["elements", seed],
        }
    return {
        "octahedra": {how: [found["octahedra", how, seed] for seed in seeds] for how in HOW},
        "molecules": [found["molecules", seed] for seed in seeds],
    }


def all_figures(series: dict) -> list[Figure]:
    """The table."""
    figures = []
    for how, runs in series["octahedra"].items():
        for n in range(1, 7):
            shares = [100 * run["exact"][str(n)]["0.2"] for run in runs]
            title = f"{n} octahedra, levels {how}: exact within 0.2 metal-oxygen distances (%)"
            must = how == "found" and n == 3
            asked = "90, worst seed (aim 100)" if must else "reported (aim 80)" if n > 3 else "reported"
            words = f"{mean_and_spread(shares)}; worst {min(shares):.0f}"
            figures.append(Figure(title, asked, words, not must or min(shares) >= 90))
        seconds = [run["seconds"] for run in runs]
        figures.append(Figure(f"octahedra, levels {how}: training (CPU s)", "about equal", mean_and_spread(seconds)))
    given = min(run["as given"] for run in series["octahedra"]["found"])
    figures.append(Figure("fresh clusters gathered into their octahedra, worst seed", "(100 %)", f"{given:.1%}"))
    molecules = series["molecules"]
    for which, asked in (("seen", "100 %"), ("unseen", "reported (aim 60 %)")):
        for what in ("geometry", "and species"):
            shares = [run[which][what] for run in molecules]
            title, words = f"{which} molecules, {what}, in any pose, worst seed", f"mean {np.mean(shares):.1%}"
            passes = which == "unseen" or min(shares) == 1
            figures.append(Figure(title, asked, f"{min(shares):.1%} ({words})", passes))
    for name in molecules[0]["energies"]:
        for size in SIZES:
            errors = [run["energies"][name][str(size)] for run in molecules]
            title = f"energy per atom of unseen molecules from {size}, {name}: MAE (eV)"
            figures.append(Figure(title, "reported", mean_and_spread(errors)))
    for name, runs in (("octahedra", series["octahedra"]["found"]), ("molecules", molecules)):
        for what, limit in (("torch.float32", 1e-5), ("torch.float64", 1e-9), ("points", 5e-3)):
            error = max(run["equivariance"][what] for run in runs)
            figures.append(at_most(f"{name}: equivariance, {what}", limit, error, ".1e"))
    return figures


BENCHMARK = Benchmark("found_motifs", all_runs, all_figures, notebook="10")
