"""Train the networks that notebooks 05, 06, 10 and 11 only evaluate, and write their weights into the library.

python scripts/train/train_weights.py polycubes     autoencoder of notebooks 05 and 11, five minutes on one core
python scripts/train/train_weights.py growth        head that grows pieces in notebook 11, two minutes
python scripts/train/train_weights.py places        scorer of positions for missing atoms in notebook 06, two minutes
python scripts/train/train_weights.py octahedra     autoencoder of notebook 10, four minutes
python scripts/train/train_weights.py molecules     another one of notebook 10, eight minutes

Another processor gives other weights of the same kind; `python -m benchmarks` measures what they do.
"""

import argparse
from functools import partial
from typing import Any

import torch
from torch import Generator, nn

from tutorial_lib import datasets, representations, training
from tutorial_lib.datasets import g2, polycubes
from tutorial_lib.inpainting import places as scorer
from tutorial_lib.models import hierarchical
from tutorial_lib.storage import WEIGHTS, expanded, sign
from tutorial_lib.training import recipes

Task = tuple[nn.Module, Any, Any, training.Recipe]  # a model, its data, its loss, how to train


def growth() -> Task:
    known, _ = polycubes.held_out(0)
    data = hierarchical.additions(known)
    return hierarchical.GrowthHead(), data, hierarchical.growth_loss, recipes.growth(len(data[1]))


def molecules() -> Task:
    known, _ = g2.split()
    model = hierarchical.molecule_autoencoder()
    loss = partial(hierarchical.reconstruction_loss, rattle=recipes.MOLECULES_RATTLE)
    return model, hierarchical.examples(model, known), loss, recipes.g2()


def octahedra() -> Task:
    clouds = hierarchical.octahedra_to_train_on()
    model, data = hierarchical.octahedra_autoencoder(clouds), hierarchical.padded(clouds)
    return model, data, hierarchical.reconstruction_loss, recipes.octahedra()


def places() -> Task:
    clouds = representations.nearest_neighbours(datasets.load_amorphous("train")).positions
    loss = scorer.position_loss(n_places=recipes.N_RANDOM_PLACES, rattle=recipes.PLACE_RATTLE)
    return scorer.PositionScorer(), clouds, loss, recipes.places()


def shapes() -> Task:
    known, _ = polycubes.held_out(0)
    clouds = polycubes.with_trees(known, Generator().manual_seed(0))
    model, recipe = hierarchical.polycube_autoencoder(), recipes.polycubes(len(clouds))
    return model, hierarchical.padded(clouds), hierarchical.reconstruction_loss, recipe


NETWORKS = {"growth": growth, "molecules": molecules, "octahedra": octahedra, "places": places, "polycubes": shapes}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("network", choices=NETWORKS)
    parser.add_argument("--out", type=expanded, default=WEIGHTS, help="folder of the weights and their checksum")
    args = parser.parse_args()
    model, data, loss, recipe = NETWORKS[args.network]()
    history = training.train(model, data, loss, recipe, device="cpu")
    args.out.mkdir(parents=True, exist_ok=True)
    path = args.out / f"{args.network}.pt"
    torch.save(model.state_dict(), path)
    sign(path)
    print(f"{path}: the loss fell from {history['loss'][0]:.3g} to {history['loss'][-1]:.3g}")


if __name__ == "__main__":
    main()
