"""Train a network that makes whole cells from noise, on your own cells or on the nine of silicon that ship.

python scripts/train/denoiser.py                                   as shipped, a quarter of an hour on one core
python scripts/train/denoiser.py my_cells/ --out my_denoiser.pt    a folder of files, or one file, that ASE can read

Then `trained_denoiser("my_denoiser.pt")` is the network, and `generate_cell(network, 512, generator=...)` a cell.
The script ends with the error at several noises, of a cell that was learnt from and of one that was not: where the
second is larger, the network has learnt cells by heart, and needs more. Ctrl-C keeps a checkpoint for `--resume`.
"""

import argparse
import sys
from pathlib import Path

import torch
from ase import Atoms

from tutorial_lib import datasets, training
from tutorial_lib.datasets.structures import structures
from tutorial_lib.models import denoiser
from tutorial_lib.storage import WEIGHTS, expanded, sign
from tutorial_lib.training import recipes

NOISES = (0.05, 0.1, 0.2, 0.3, 0.45, 0.6, 0.9)  # A


def cells_in(path: Path) -> list[Atoms]:
    files = sorted(p for p in path.iterdir() if p.is_file()) if path.is_dir() else [path]
    return [atoms for file in files for atoms in structures(file)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "cells", nargs="?", type=expanded, help="a folder or a file; the last cell is held out of two or more"
    )
    parser.add_argument("--out", type=expanded, default=WEIGHTS / "denoiser.pt", help="file of the network")
    parser.add_argument("--steps", type=int, default=recipes.DENOISER_STEPS, help="one cell each")
    parser.add_argument("--seed", type=int, default=0, help="of weights and noise")
    parser.add_argument("--resume", action="store_true", help="go on from the checkpoint")
    args = parser.parse_args()
    if args.cells is None:
        known, held_out = datasets.load_amorphous("train"), datasets.load_amorphous("validation")
    else:
        if args.out == WEIGHTS / "denoiser.pt":
            parser.error("your own cells need a file of their own: --out my_denoiser.pt")
        found = cells_in(args.cells)
        known, held_out = (found[:-1], found[-1:]) if len(found) > 1 else (found, [])
    network = denoiser.denoiser_for(known, seed=args.seed)
    recipe = recipes.denoiser(len(known), args.seed, steps=args.steps)
    checkpoint = args.out.with_suffix(".checkpoint")
    loss = denoiser.denoising_loss(network, known)
    numbers = torch.arange(len(known))
    training.train(network, numbers, loss, recipe, device="cpu", checkpoint=checkpoint, resume=args.resume)
    denoiser.keep_denoiser(network, args.out)
    if args.out.parent == WEIGHTS:
        sign(args.out)
    checkpoint.unlink(missing_ok=True)
    print(f"{args.out}: {len(known)} cells of {known[0].symbols}, {len(held_out)} held out")
    for noise in NOISES:
        errors = [f"{denoiser.noise_error(network, cells, noise):.2f}" for cells in (known[:1], held_out) if cells]
        print(f"error of the noise at {noise:.2f} A, learnt from / held out: {' / '.join(errors)}")


if __name__ == "__main__":
    try:
        main()
    except (ValueError, OSError) as error:
        sys.exit(f"{Path(sys.argv[0]).name}: {error}")
