"""Train the networks that notebooks 05, 06 and 10 only evaluate, and write their weights into the library.

python scripts/train/train_weights.py polycubes     autoencoder of notebook 05, five minutes on one core
python scripts/train/train_weights.py growth        head that grows pieces in notebook 05, two minutes
python scripts/train/train_weights.py places        scorer of positions for missing atoms in notebook 06, two minutes
python scripts/train/train_weights.py octahedra     autoencoder of notebook 10, four minutes
python scripts/train/train_weights.py molecules     another one of notebook 10, eight minutes

Another processor gives other weights of the same kind.
"""

import argparse
from functools import partial

import torch
from torch import Generator, nn

from tutorial_lib import datasets, representations, training
from tutorial_lib.datasets import g2, octahedra, polycubes
from tutorial_lib.inpainting import places
from tutorial_lib.models import hierarchical
from tutorial_lib.storage import WEIGHTS, expanded, sign
from tutorial_lib.training import recipes

Trained = tuple[nn.Module, list[str]]  # and what to say of it


def train_growth() -> Trained:
    """The head that adds a cube, tried on pieces of six cubes."""
    known, _ = polycubes.held_out(0)
    data, head = hierarchical.additions(known), hierarchical.GrowthHead()
    training.train(head, data, hierarchical.growth_loss, recipes.growth(len(data[1])), device="cpu")
    grown = hierarchical.grow(head, [torch.zeros(1, 3)] * 100, 6, Generator().manual_seed(0))
    valid = [polycubes.polycube_of(cloud, mirrors_equal=True) is not None and len(cloud) == 6 for cloud in grown]
    return head, [f"trained on {len(data[1])} shapes; of 100 grown to six cubes {sum(valid)} are polycubes"]


def train_molecules() -> Trained:
    """The autoencoder of molecules, tried on those that it has seen and on others."""
    seen, unseen = g2.split()
    model = hierarchical.molecule_autoencoder()
    loss = partial(hierarchical.reconstruction_loss, rattle=recipes.MOLECULES_RATTLE)
    training.train(model, hierarchical.examples(model, seen), loss, recipes.g2(), device="cpu")
    lines = []
    for name, molecules in {"seen": seen, "unseen": unseen}.items():
        found = hierarchical.decode_atoms(model, hierarchical.encode_atoms(model, molecules))
        right = sum(hierarchical.same_molecule(a, b) for a, b in zip(found, molecules, strict=True))
        lines.append(f"{name}: {right} of {len(molecules)} come back, atom by atom, within 0.2 angstrom")
    return model, lines


def train_octahedra() -> Trained:
    """The autoencoder of clusters of octahedra, tried on fresh ones of every size."""
    clouds = hierarchical.octahedra_to_train_on()
    model, data = hierarchical.octahedra_autoencoder(clouds), hierarchical.padded(clouds)
    training.train(model, data, hierarchical.reconstruction_loss, recipes.octahedra(), device="cpu")
    generator, lines = Generator().manual_seed(1000), []
    for n in range(1, 7):
        test = [octahedra.cluster(n, generator).points for _ in range(20)]
        share = hierarchical.exact(model, test, within=0.2).double().mean().item()
        lines.append(f"{n} octahedra: {share:.0%} of 20 fresh clusters come back within 0.2 metal-oxygen distances")
    return model, lines


def train_places() -> Trained:
    """The scorer of candidate positions for missing atoms."""
    clouds = representations.nearest_neighbours(datasets.load_amorphous("train")).positions
    loss = places.position_loss(n_places=recipes.N_RANDOM_PLACES, rattle=recipes.PLACE_RATTLE)
    model = places.PositionScorer()
    history = training.train(model, clouds, loss, recipes.places(), device="cpu")
    return model, [f"trained on {len(clouds)} clouds; the loss fell to {history['loss'][-1]:.2f} nats"]


def train_polycubes() -> Trained:
    """The autoencoder of polycubes, tried on those that it has seen and on those held out."""
    train, test = polycubes.held_out(0)
    clouds = polycubes.with_trees(train, Generator().manual_seed(0))
    model, recipe = hierarchical.polycube_autoencoder(), recipes.polycubes(len(clouds))
    training.train(model, hierarchical.padded(clouds), hierarchical.reconstruction_loss, recipe, device="cpu")
    lines = []
    for name, shapes in {"trained on": train, "held out": test}.items():
        share = hierarchical.exact(model, shapes).double().mean().item()
        lines.append(f"{name}: {len(shapes)} shapes, {share:.1%} come back within 0.1 edges")
    return model, lines


NETWORKS = {
    "growth": train_growth,
    "molecules": train_molecules,
    "octahedra": train_octahedra,
    "places": train_places,
    "polycubes": train_polycubes,
}


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("network", choices=NETWORKS)
    parser.add_argument("--out", type=expanded, default=WEIGHTS, help="folder of the weights and their checksum")
    args = parser.parse_args()
    model, lines = NETWORKS[args.network]()
    args.out.mkdir(parents=True, exist_ok=True)
    path = args.out / f"{args.network}.pt"
    torch.save(model.state_dict(), path)
    sign(path)
    print("\n".join(lines))


if __name__ == "__main__":
    main()
