"""Train the scorer of places for missing atoms that notebook 06 evaluates, and write its weights into the library.

Two minutes on one core. Another processor gives other weights of the same kind.
"""

import argparse

import torch

from tutorial_lib import datasets, representations, training
from tutorial_lib.inpainting import places
from tutorial_lib.storage import WEIGHTS, expanded, sign
from tutorial_lib.training import recipes


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=expanded, default=WEIGHTS, help="folder of the weights and their checksum")
    args = parser.parse_args()
    clouds = representations.nearest_neighbours(datasets.load_amorphous("train")).positions
    loss = places.position_loss(n_places=recipes.N_RANDOM_PLACES, rattle=recipes.PLACE_RATTLE)
    model = places.PositionScorer()
    history = training.train(model, clouds, loss, recipes.places(), device="cpu")
    args.out.mkdir(parents=True, exist_ok=True)
    torch.save(model.state_dict(), args.out / "places.pt")
    sign(args.out / "places.pt")
    print(f"trained on {len(clouds)} clouds; the loss fell to {history['loss'][-1]:.2f} nats")


if __name__ == "__main__":
    main()
