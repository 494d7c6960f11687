"""Train the flow of notebook 07 on a folder of cells larger than memory, in as many processes as there are.

    python scripts/train/train_beyond.py write FOLDER             the shipped training cells, as a folder to begin with
    python scripts/train/train_beyond.py train FOLDER --checkpoint FILE [--resume] --out FLOW
    python scripts/train/train_beyond.py draw FLOW FILE           invented neighbourhoods, as extended XYZ

The velocity is `SetVelocity`: atoms in any order and pose. The loop is `tutorial_lib.training`, cells are read when
their turn comes (`training.streaming`), and Lightning Fabric spreads the steps over processes, on one machine:

    python scripts/train/train_beyond.py train FOLDER --devices 2 --accelerator cpu
    torchrun --nproc-per-node 2 scripts/train/train_beyond.py train FOLDER --accelerator cpu
    fabric run --devices 2 --accelerator cpu scripts/train/train_beyond.py train FOLDER

A step has `--shares` shares, each with cells and a generator of its own, and every process takes equally many. So the
loss curve does not depend on the number of processes, beyond rounding: choose the shares once, change the devices at
will, also when you resume. It needs the extra `scale`.
"""

import argparse
import os
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

import torch
from ase import Atoms
from ase.data import atomic_numbers
from ase.io import write
from torch import Generator, Tensor, nn

from tutorial_lib import datasets, representations, training
from tutorial_lib.models import flow
from tutorial_lib.storage import expanded, fitted, keep, stored, writable
from tutorial_lib.training.batches import OneProcess, Share
from tutorial_lib.training.streaming import CellFolder, Stream

N_NEIGHBOURS = 8  # of a neighbourhood
N_FOR_UNIT = 8  # cells, the first ones, from which the unit of length is taken
FABRICS_OWN = {"accelerator": "auto", "devices": 1, "strategy": "ddp", "precision": "32-true"}  # with their defaults

velocity_loss = flow.flow_loss()


class Objective(nn.Module):
    """A model with its loss, so that one call of a module holds all that has to be differentiated."""

    def __init__(self, model: nn.Module, loss: Any):
        super().__init__()
        self.model, self.loss = model, loss

    def forward(self, batch: Tensor, generator: Generator) -> dict[str, Tensor]:
        return self.loss(self.model, batch, generator)


class SpreadOut(OneProcess):
    """Steps over the processes of a `lightning_fabric.Fabric`, which averages their gradients."""

    def __init__(self, fabric: Any, n_threads: int):
        self.fabric, self.n_threads, self.first = fabric, n_threads, fabric.is_global_zero

    def set_up(self, model: nn.Module, loss: Any, optimiser: torch.optim.Optimizer) -> Any:
        """The optimiser that takes the steps, after model and loss are wrapped."""
        self.objective, optimiser = self.fabric.setup(Objective(model, loss), optimiser)
        return optimiser

    def gradients(self, shares: list[Share]) -> Iterator[dict[str, Tensor]]:
        """The terms of each share of this process; at the last one processes exchange what has gathered."""
        for number, (batch, generator) in enumerate(shares, start=1):
            with self.fabric.no_backward_sync(self.objective, enabled=number < len(shares)):
                terms = self.objective(batch, generator)
                self.fabric.backward(terms["loss"] / len(shares))
            yield {name: value.detach().double() for name, value in terms.items()}

    def total(self, value: float) -> float:
        value = torch.tensor(value, dtype=torch.float64, device=self.fabric.device)
        return self.fabric.all_reduce(value, reduce_op="sum").item()


def clouds_of(atoms: Atoms) -> Tensor:
    """What the flow learns from a cell: eight neighbours of each atom, (N, 8, 3), angstrom."""
    return representations.nearest_neighbours(atoms, N_NEIGHBOURS).positions


def new_flow(cells: CellFolder, width: int, n_layers: int, seed: int) -> flow.Flow:
    """A flow on sets that has learnt nothing yet but the unit of length, from the first cells of the folder."""
    first = []
    for index in range(min(N_FOR_UNIT, len(cells))):
        try:
            first.append(clouds_of(cells.cell(index)))
        except ValueError as error:
            raise ValueError(f"{cells.where(index)}: {error}") from None
    return flow.Flow(flow.Scaled.fit(torch.cat(first)), flow.SetVelocity(width, n_layers, seed=seed))


def fabric_of(args: argparse.Namespace) -> Any:
    """A Fabric for what the command line says, or whoever started us: `torchrun` or `fabric run`."""
    from lightning_fabric import Fabric

    if args.accelerator == "cuda" and not torch.cuda.is_available():
        sys.exit("there is no CUDA device here: pass --accelerator cpu, or leave it out")
    if os.environ.get("LT_CLI_USED"):
        for name, value in FABRICS_OWN.items():
            if getattr(args, name) != value:
                sys.exit(f"fabric run decides itself: put --{name} before the name of this script")
        return Fabric()
    here = int(os.environ.get("LOCAL_WORLD_SIZE", args.devices))
    nodes = int(os.environ.get("WORLD_SIZE", here)) // here
    strategy = args.strategy if here * nodes > 1 else "auto"
    accelerator = training.best_device().type if args.accelerator == "auto" else args.accelerator
    return Fabric(accelerator=accelerator, devices=here, num_nodes=nodes, strategy=strategy, precision=args.precision)


def run_train(args: argparse.Namespace) -> None:
    if find_spec("lightning_fabric") is None:
        sys.exit('Lightning Fabric is not installed: pip install -e ".[scale]"')
    cells = CellFolder(args.folder)
    fabric = fabric_of(args)
    if args.shares % fabric.world_size:
        uneven = f"{args.shares} shares cannot be dealt out evenly to {fabric.world_size} processes"
        sys.exit(f"{uneven}: pass --shares with a multiple of their number")
    if not os.environ.get("LT_CLI_USED"):
        fabric.launch()
    if args.out:
        writable(args.out, probe=fabric.is_global_zero)
    n_mine = args.shares // fabric.world_size
    mine = range(fabric.global_rank * n_mine, (fabric.global_rank + 1) * n_mine)
    stream = Stream(
        cells,
        clouds_of,
        batch_size=args.batch_size,
        seed=args.seed,
        shares=args.shares,
        mine=mine,
        cells_per_epoch=args.cells_per_epoch,
        keep=args.keep,
        device=fabric.device,
    )
    model = new_flow(cells, args.width, args.layers, args.seed)
    recipe = training.Recipe(args.epochs, args.batch_size, args.learning_rate, args.seed)
    history = training.train(
        model,
        stream,
        velocity_loss,
        recipe,
        device=fabric.device,
        checkpoint=args.checkpoint,
        checkpoint_every=args.checkpoint_every,
        resume=args.resume,
        backend=SpreadOut(fabric, args.threads),
    )
    if fabric.is_global_zero:
        if args.out:
            keep({"width": args.width, "layers": args.layers, "weights": model.state_dict()}, args.out)
        n_processes = f"{fabric.world_size} process{'es' if fabric.world_size > 1 else ''}"
        loss = f"{history['loss'][0]:.3f} to {history['loss'][-1]:.3f}, and 1 is what a normal distribution reaches"
        print(f"trained on {len(cells)} cells, {stream.n_steps} steps an epoch, in {n_processes}; the loss: {loss}")


def run_draw(args: argparse.Namespace) -> None:
    again = "train once more with --out"
    found = stored(args.flow, ("width", "layers", "weights"), otherwise=again)
    velocity = flow.SetVelocity(found["width"], found["layers"], seed=0)
    model = flow.Flow(flow.Scaled(torch.ones(()), N_NEIGHBOURS), velocity)
    model = fitted(model, found["weights"], args.flow, otherwise=again).eval()
    drawn = model.sample(args.n, Generator().manual_seed(args.seed))
    drawn = torch.cat([torch.zeros(args.n, 1, 3), drawn], dim=1).numpy()
    write(args.file, [Atoms([args.element] * len(cloud), cloud) for cloud in drawn], format="extxyz")
    print(f"{args.n} neighbourhoods, the atom in the middle first, are in {args.file}")


def run_write(args: argparse.Namespace) -> None:
    args.folder.mkdir(parents=True, exist_ok=True)
    cells = datasets.load_amorphous("train")
    for number, atoms in enumerate(cells, start=1):
        target = args.folder / f"cell{number:02d}.extxyz"
        part = target.with_suffix(".part")
        write(part, atoms, format="extxyz", columns=["symbols", "positions"], write_results=False)
        part.replace(target)
    print(f"{len(cells)} cells are in {args.folder}")


def positive(text: str) -> int:
    if (number := int(text)) < 1:
        raise argparse.ArgumentTypeError(f"{text} is not above 0")
    return number


def element(text: str) -> str:
    if text not in atomic_numbers:
        raise argparse.ArgumentTypeError(f"{text} is no element: give a symbol such as Si")
    return text


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    step = commands.add_parser("write", help="write the shipped training cells, one file each")
    step.add_argument("folder", type=expanded, help="where to")
    step.set_defaults(run=run_write)
    defaults = {"formatter_class": argparse.ArgumentDefaultsHelpFormatter}
    step = commands.add_parser("draw", help="draw neighbourhoods", **defaults)
    step.add_argument("flow", type=expanded, help="what train wrote with --out")
    step.add_argument("file", type=expanded, help="where to, such as drawn.extxyz")
    step.add_argument("--n", type=positive, default=1024, help="how many")
    step.add_argument("--element", type=element, default="Si", help="which atoms they are of")
    step.add_argument("--seed", type=int, default=0, help="of the noise")
    step.set_defaults(run=run_draw)
    step = commands.add_parser("train", help="train", **defaults)
    step.add_argument("folder", type=expanded, help="of extended XYZ, one element; all nodes see it")
    step.add_argument("--epochs", type=positive, default=20, help="the learning rate falls over all of them")
    step.add_argument("--cells-per-epoch", type=positive, help="for folders whose full round takes hours; else all")
    step.add_argument("--batch-size", type=positive, default=256, help="examples a step, of all processes together")
    step.add_argument("--shares", type=positive, default=4, help="of a step; a multiple of the number of processes")
    step.add_argument("--learning-rate", type=float, default=4e-3, help="of Adam, at its peak")
    step.add_argument("--width", type=positive, default=48, help="numbers an atom")
    step.add_argument("--layers", type=positive, default=3, help="rounds of messages")
    step.add_argument("--seed", type=int, default=0, help="of weights, order and noise")
    step.add_argument("--accelerator", choices=["auto", "cpu", "cuda"], help="what computes")
    step.add_argument("--devices", type=positive, help="processes on this machine, a GPU or a core each")
    step.add_argument("--strategy", help="of Fabric, where there are several processes")
    step.add_argument("--precision", help="of Fabric, such as 64-true or bf16-mixed")
    step.add_argument("--threads", type=positive, default=1, help="of each process")
    step.add_argument("--keep", action="store_true", help="keep all cells in memory, where they fit")
    step.add_argument("--checkpoint", type=expanded, help="a file to keep the state in, in a folder that all nodes see")
    step.add_argument("--checkpoint-every", type=positive, default=1, help="epochs between two checkpoints")
    step.add_argument("--resume", action="store_true", help="go on from the checkpoint if it is there")
    step.add_argument("--out", type=expanded, help="a file for the weights at the end")
    step.set_defaults(run=run_train, **FABRICS_OWN)
    args = parser.parse_args()
    try:
        args.run(args)
    except (ValueError, OSError) as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit("stopped; if there is a --checkpoint, --resume goes on from it")


if __name__ == "__main__":
    main()
