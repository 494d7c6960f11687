"""Train the scorer of places for missing atoms that notebook 06 evaluates, and write its weights into the library.

Two minutes on one core. Another processor gives other weights of the same kind.
"""

import argparse

import torch

from tutorial_lib import environments, places, recipes, silicon, training
from tutorial_lib.files import expanded
from tutorial_lib.shipped import MODELS, sign


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=expanded, default=MODELS, help="folder of the weights and their checksum")
    args = parser.parse_args()
    clouds = environments.nearest_neighbours(silicon.load_amorphous("train")).positions
    loss = places.place_loss(n_places=recipes.N_RANDOM_PLACES, shake=recipes.PLACE_SHAKE)
    model = places.PlaceScorer()
    history = training.train(model, clouds, loss, recipes.places(), device="cpu")
    args.out.mkdir(parents=True, exist_ok=True)
    torch.save(model.state_dict(), args.out / "places.pt")
    sign(args.out / "places.pt")
    print(f"trained on {len(clouds)} clouds; the loss fell to {history['loss'][-1]:.2f} nats")


if __name__ == "__main__":
    main()
