"""Train the head that notebook 05 grows new pieces with, and write its weights into the library.

Two minutes on one core. Another processor gives other weights of the same kind.
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
    known, _ = polycubes.held_out(0)
    data, head = hierarchical.additions(known), hierarchical.GrowthHead()
    recipe = recipes.growth(len(data[1]))
    training.train(head, data, hierarchical.growth_loss, recipe, device="cpu")
    args.out.mkdir(parents=True, exist_ok=True)
    torch.save(head.state_dict(), args.out / "growth.pt")
    sign(args.out / "growth.pt")
    grown = hierarchical.grow(head, [torch.zeros(1, 3)] * 100, 6, Generator().manual_seed(0))
    valid = [polycubes.polycube_of(cloud, mirrors_equal=True) is not None and len(cloud) == 6 for cloud in grown]
    print(f"trained on {len(data[1])} shapes; of 100 grown to six cubes {sum(valid)} are polycubes")


if __name__ == "__main__":
    main()
