"""Train the autoencoder of polycubes that notebook 05 evaluates, and write its weights into the library.

Five minutes on one core. Another processor gives other weights of the same kind.
"""

import argparse

import torch
from torch import Generator

from tutorial_lib import training
from tutorial_lib.datasets import polycubes
from tutorial_lib.models import hierarchical
from tutorial_lib.storage import WEIGHTS, expanded, sign
from tutorial_lib.training import recipes


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=expanded, default=WEIGHTS, help="folder of the weights and their checksum")
    args = parser.parse_args()
    train, test = polycubes.held_out(0)
    clouds = polycubes.with_trees(train, Generator().manual_seed(0))
    model, recipe = hierarchical.polycube_autoencoder(), recipes.polycubes(len(clouds))
    training.train(model, hierarchical.padded(clouds), hierarchical.reconstruction_loss, recipe, device="cpu")
    args.out.mkdir(parents=True, exist_ok=True)
    torch.save(model.state_dict(), args.out / "polycubes.pt")
    sign(args.out / "polycubes.pt")
    for name, shapes in {"trained on": train, "held out": test}.items():
        share = hierarchical.exact(model, shapes).double().mean().item()
        print(f"{name}: {len(shapes)} shapes, {share:.1%} come back within 0.1 edges")


if __name__ == "__main__":
    main()
