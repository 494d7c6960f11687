"""Train the autoencoder of octahedra that notebook 10 evaluates, and write its weights into the library.

Four minutes on one core. Another processor gives other weights of the same kind.
"""

import argparse

import torch
from torch import Generator
from tutorial_lib.training.loop.loop import recipes

from tutorial_lib import training
from tutorial_lib.datasets import octahedra
from tutorial_lib.models import hierarchical
from tutorial_lib.storage import WEIGHTS, expanded, sign


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=expanded, default=WEIGHTS, help="folder of the weights and their checksum")
    args = parser.parse_args()
    clouds = hierarchical.octahedra_to_train_on()
    model, data = hierarchical.octahedra_autoencoder(clouds), hierarchical.padded(clouds)
    training.train(model, data, hierarchical.reconstruction_loss, recipes.octahedra(), device="cpu")
    args.out.mkdir(parents=True, exist_ok=True)
    torch.save(model.state_dict(), args.out / "octahedra.pt")
    sign(args.out / "octahedra.pt")
    generator = Generator().manual_seed(1000)
    for n in range(1, 7):
        test = [octahedra.cluster(n, generator).points for _ in range(20)]
        share = hierarchical.exact(model, test, within=0.2).double().mean().item()
        print(f"{n} octahedra: {share:.0%} of 20 fresh clusters come back within 0.2 metal-oxygen distances")


if __name__ == "__main__":
    main()
