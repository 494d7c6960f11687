"""Train the autoencoder of molecules that notebook 10 evaluates, and write its weights into the library.

Eight minutes on one core. Another processor gives other weights of the same kind.
"""

import argparse
from functools import partial

import torch

from tutorial_lib import training
from tutorial_lib.datasets import g2
from tutorial_lib.models import hierarchical
from tutorial_lib.storage import WEIGHTS, expanded, sign
from tutorial_lib.training import recipes


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=expanded, default=WEIGHTS, help="folder of the weights and their checksum")
    args = parser.parse_args()
    seen, unseen = g2.split()
    model = hierarchical.molecule_autoencoder()
    loss = partial(hierarchical.reconstruction_loss, rattle=recipes.MOLECULES_RATTLE)
    training.train(model, hierarchical.examples(model, seen), loss, recipes.g2(), device="cpu")
    args.out.mkdir(parents=True, exist_ok=True)
    torch.save(model.state_dict(), args.out / "molecules.pt")
    sign(args.out / "molecules.pt")
    for name, molecules in {"seen": seen, "unseen": unseen}.items():
        found = hierarchical.decode_atoms(model, hierarchical.encode_atoms(model, molecules))
        right = sum(hierarchical.same_molecule(a, b) for a, b in zip(found, molecules, strict=True))
        print(f"{name}: {right} of {len(molecules)} come back, atom by atom, within 0.2 angstrom")


if __name__ == "__main__":
    main()
