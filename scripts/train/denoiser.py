"""Train a network that makes whole cells from noise, on your own cells or on those of silicon or silica that ship.

python scripts/train/denoiser.py silicon                           as shipped, a quarter of an hour on one core
python scripts/train/denoiser.py silica                            likewise, three quarters of an hour
python scripts/train/denoiser.py my_cells/ --out my_denoiser.pt    a folder of files, or one file, that ASE can read

docs/your_own_glass.md leads through it. Then `trained_denoiser("my_denoiser.pt")` is the network, and
`generate_cell(network, 512, generator=...)` a cell.
The script ends with the error at several noises, of a cell that was learnt from and of one that was not: where the
second is larger, the network has learnt cells by heart, and needs more. Ctrl-C keeps a checkpoint for `--resume`.
"""

import argparse
import sys
from pathlib import Path

import torch
from ase import Atoms

from tutorial_lib import datasets, metrics, training
from tutorial_lib.datasets.structures import structures
from tutorial_lib.models import denoiser
from tutorial_lib.models.denoiser import Denoiser
from tutorial_lib.storage import WEIGHTS, expanded, sign
from tutorial_lib.training import recipes

CRYSTALLINE = 30  # the strongest wave of our glasses has 8 to 23, and of cells with a crystal in them 35 and more
NOISES = (0.05, 0.1, 0.2, 0.3, 0.45, 0.6, 0.9)  # A
SHIPPED = {"silicon": datasets.load_amorphous, "silica": datasets.load_silica}
N_STEPS = {"silica": 18_000}  # others: recipes.DENOISER_STEPS
FINE, FINE_SHARE = 0.012, 0.65  # the weakest noise, A, for bonds whose lengths spread by less than those of silicon


def split(path: Path, elements: list[str] | None) -> tuple[list[Atoms], list[Atoms]]:
    """Cells to learn from, and those of the last file, or the last cell of the only file, which is held out."""
    if not path.exists():
        sys.exit(f"there is no {path}: give a folder of files that ASE can read, or one file")
    files = sorted(p for p in path.iterdir() if p.is_file() and p.name[0] != ".") if path.is_dir() else [path]
    try:
        found = [list(structures(file, elements)) for file in files]
    except ValueError as error:
        sys.exit(
            f"{error}. What holds no cell does not belong into the folder: take it out" if path.is_dir() else f"{error}"
        )
    for file, cells in zip(files, found, strict=True):
        if len(cells) > 1:
            print(f"{file.name} holds {len(cells)} cells: frames of one run share their bonds, and count as one cell.")
            if len(files) == 1:
                print("Its last one is held out. It cannot show whether they are learnt by heart: bring a second run.")
    *known, held_out = found if len(found) > 1 else [[atoms] for cells in found for atoms in cells]
    return ([atoms for cells in known for atoms in cells], held_out) if known else (held_out, [])


def looked_at(cells: list[Atoms]) -> None:
    """Print what cells are, before anything is learnt from them, and say what looks odd."""
    if len({tuple(sorted(set(atoms.symbols))) for atoms in cells}) > 1:
        formulas = ", ".join(atoms.get_chemical_formula() for atoms in cells)
        sys.exit(f"the cells hold different species ({formulas}): put those of one material into a folder")
    untrained = denoiser.denoiser_for(cells)
    for atoms in cells:
        untrained.tensors(atoms)  # speaks up now, and not after the training
    print("cell   formula            atoms per A^3   strongest wave")
    for number, atoms in enumerate(cells, start=1):
        wave = metrics.strongest_wave(atoms)
        words = f"   is there a crystal in it? A glass stays below {CRYSTALLINE}" if wave > CRYSTALLINE else ""
        density = len(atoms) / atoms.get_volume()
        print(f"{number:4}   {atoms.get_chemical_formula():17}  {density:13.4f}   {wave:14.1f}{words}")
    if len(cells) == 1:
        print("One cell: it is learnt from, and none is left to show whether it is learnt by heart. Bring two.")


def fit(known: list[Atoms], *, seed: int, material: str = "", steps: int | None = None, **how) -> Denoiser:
    """A network that is trained on cells: of silicon as it is shipped, of all else with weaker noise, too."""
    fine = material != "silicon"
    network = denoiser.denoiser_for(known, seed=seed, **({"weakest": FINE} if fine else {}))
    loss = denoiser.denoising_loss(network, known, **({"share": FINE_SHARE} if fine else {}))
    steps = N_STEPS.get(material, recipes.DENOISER_STEPS) if steps is None else steps
    training.train(
        network, torch.arange(len(known)), loss, recipes.denoiser(len(known), seed, steps), device="cpu", **how
    )
    return network


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cells", help="silicon, silica, or a folder of yours, whose last file is held out")
    parser.add_argument("--out", type=expanded, help="file of the network")
    parser.add_argument("--elements", nargs="+", help="those of types 1, 2, ... where LAMMPS's files say types only")
    parser.add_argument("--steps", type=int, help="one cell each: 9,000, and of silica 18,000")
    parser.add_argument("--seed", type=int, default=0, help="of weights and noise")
    parser.add_argument("--resume", action="store_true", help="go on from the checkpoint")
    args = parser.parse_args()
    if load := SHIPPED.get(args.cells):
        if Path(args.cells).exists():
            parser.error(
                f"{args.cells} is a material that ships, and a folder of yours: write ./{args.cells} for yours"
            )
        known, held_out = load("train"), load("validation")
        args.out = args.out or WEIGHTS / denoiser.sampling.SHIPPED[args.cells]
    else:
        if args.out is None:
            parser.error("your own cells need a file of their own: --out my_denoiser.pt")
        known, held_out = split(expanded(args.cells), args.elements)
    looked_at([*known, *held_out])
    checkpoint = args.out.with_suffix(".checkpoint")
    network = fit(
        known, seed=args.seed, material=args.cells, steps=args.steps, checkpoint=checkpoint, resume=args.resume
    )
    denoiser.keep_denoiser(network, args.out)
    if args.out.parent == WEIGHTS:
        sign(args.out)
    checkpoint.unlink(missing_ok=True)
    print(f"{args.out}: {len(known)} cells of {known[0].get_chemical_formula()}, {len(held_out)} held out")
    for noise in NOISES:
        errors = [f"{denoiser.noise_error(network, cells, noise):.2f}" for cells in (known[:1], held_out) if cells]
        print(f"error of the noise at {noise:.2f} A, learnt from / held out: {' / '.join(errors)}")


if __name__ == "__main__":
    try:
        main()
    except (ValueError, OSError) as error:
        sys.exit(f"{Path(sys.argv[0]).name}: {error}")
