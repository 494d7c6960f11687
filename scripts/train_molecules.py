"""Train the autoencoder of molecules that notebook 10 evaluates, and write its weights into the library.

Eight minutes on one core. Another processor gives other weights of the same kind.
"""

import argparse
from functools import partial

import torch

from tutorial_lib import g2, hierarchy, recipes, training
from tutorial_lib.files import expanded
from tutorial_lib.shipped import MODELS, sign


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=expanded, default=MODELS, help="folder of the weights and their checksum")
    args = parser.parse_args()
    seen, unseen = g2.split()
    model = hierarchy.molecule_autoencoder()
    loss = partial(hierarchy.reconstruction_loss, shake=recipes.MOLECULES_SHAKE)
    training.train(model, hierarchy.examples(model, seen), loss, recipes.g2(), device="cpu")
    args.out.mkdir(parents=True, exist_ok=True)
    torch.save(model.state_dict(), args.out / "molecules.pt")
    sign(args.out / "molecules.pt")
    for name, molecules in {"seen": seen, "unseen": unseen}.items():
        found = hierarchy.decode_atoms(model, hierarchy.encode_atoms(model, molecules))
        right = sum(hierarchy.same_molecule(a, b) for a, b in zip(found, molecules, strict=True))
        print(f"{name}: {right} of {len(molecules)} come back, atom by atom, within 0.2 angstrom")


if __name__ == "__main__":
    main()
