"""The numbers of every public function and every network, to show that moving code about has changed none.

`python tests/core/same_numbers.py --write FILE` keeps what all valid calls give, and ten training steps of every
network; `python tests/core/same_numbers.py FILE` computes them again and lists what differs by more than a millionth.
A name that the file does not have fails, too: rename it there, and leave its numbers alone.
"""

import argparse
import dataclasses
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
import valid_calls as v
from ase import Atoms
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from tqdm import tqdm

from benchmarks.research import operators
from tutorial_lib import inpainting, training
from tutorial_lib.datasets import polycubes
from tutorial_lib.inpainting import latent, places
from tutorial_lib.models import equivariant, flow, hierarchical, missing_atom, mlp, pieces, vae
from tutorial_lib.models.hamiltonian import learning, networks
from tutorial_lib.representations import gram

N_KEPT = 5  # of each array, evenly spaced, beside its mean and root mean square
N_ARRAYS = 12  # of each result, evenly spaced
TOLERANCE = 1e-6


def arrays(value: object) -> Iterator[np.ndarray]:
    """All numbers in whatever a function gives, in order."""
    if isinstance(value, nn.Module):
        value = list(value.state_dict().values())
    elif isinstance(value, Atoms):
        value = (value.positions, value.numbers)
    elif dataclasses.is_dataclass(value):
        value = [getattr(value, field.name) for field in dataclasses.fields(value)]
    if isinstance(value, Tensor):
        yield value.detach().double().numpy() if not value.is_complex() else value.detach().numpy()
    elif isinstance(value, np.ndarray | bool | int | float) and np.asarray(value).dtype.kind in "biuf":
        yield np.asarray(value, dtype=float)
    elif isinstance(value, Mapping):
        yield from arrays(list(value.values()))
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for part in value:
            yield from arrays(part)


def summary(value: object) -> list[list[float]]:
    """A few numbers for each array."""
    kept, found = [], list(arrays(value))
    for at in np.linspace(0, len(found) - 1, min(N_ARRAYS, len(found))).round().astype(int):
        x = found[at]
        flat = x.reshape(-1)
        some = flat[np.linspace(0, len(flat) - 1, min(N_KEPT, len(flat))).round().astype(int)] if len(flat) else flat
        whole = [flat.mean(), np.sqrt((flat**2).mean())] if len(flat) else []
        kept.append([len(flat), *(float(f"{number:.9g}") for number in [*some, *whole])])
    return kept


def trained(model: nn.Module, data: object, loss: object) -> list[object]:
    """The terms of the loss over ten steps, and the weights after them."""
    n = len(data[0] if isinstance(data, tuple) else data)
    recipe = training.Recipe(epochs=10, batch_size=n, learning_rate=1e-3)
    history = training.train(model, data, loss, recipe, device="cpu", progress=False)
    return [dict(history), model]


def trainings() -> dict[str, object]:
    """Ten steps of every network with its loss, and two ways to complete clouds."""
    motifs, clouds, chart, matrices = v.canonical(), v.small_polycubes(), v.chart(), gram.gram_matrix(v.real())
    standardiser = gram.Standardiser.fit(matrices)
    features, kinds = standardiser.features(matrices), torch.arange(8)
    padded, corner = hierarchical.padded(clouds), polycubes.polycubes(3, mirrors_equal=True)[1]
    steps = [step for _ in range(4) for step in pieces.completions(corner, v.generator())]
    surroundings = hierarchical.padded([cloud for part in zip(*steps, strict=True) for cloud in part])
    tree = v.tree()
    codes = tree.encode(list(polycubes.pieces()[1])).detach()
    evidence = vae.evidence_loss(beta=0.1, reduction="sum", permute=True)
    aligned = vae.aligned_loss(
        beta=0.1,
        describe=lambda x: gram.upper_triangle(gram.gram_matrix(x)),
        error=lambda a, b: v.aligned_rmsd(a, b, allow_mirror=True, reorder=False),
    )
    additions = hierarchical.additions(clouds)
    operated = operators.pairs_of_codes(tree, v.two_pieces(), v.generator())[:3]
    set_flow = flow.Flow(flow.Scaled.fit(v.real()), flow.SetVelocity(8, 1), n_steps=2)
    masked_loss = missing_atom.masked_atom_loss(v.hole_set())
    matrix_loss = learning.matrix_loss(v.water_standard(), v.water_shapes(), v.water().fock)
    position_loss = places.position_loss(n_places=4, rattle=0.1)

    def named(model, batch, generator):
        return {"loss": cross_entropy(equivariant.logits(model(polycubes.pieces()[1][batch])), batch)}

    def slotted(model, batch, generator):
        return {"loss": hierarchical.matched_error(model(batch[0]), batch[1]).mean()}

    todo = {
        "restoring": lambda: (mlp.Autoencoder(36, [8], 4, seed=0), features, mlp.reconstruction_loss),
        "naming": lambda: (mlp.perceptron([36, 8, 8], seed=0), (features[:8], kinds), mlp.cross_entropy_loss),
        "evidence": lambda: (vae.VariationalAutoencoder(), features, evidence),
        "aligned": lambda: (vae.AlignedAutoencoder(8, [16], 8), motifs, aligned),
        "equivariant": lambda: (equivariant.EquivariantNetwork(), kinds, named),
        "tree": lambda: (hierarchical.polycube_autoencoder(0), padded, hierarchical.reconstruction_loss),
        "growth": lambda: (hierarchical.GrowthHead(channels=4), additions, hierarchical.growth_loss),
        "operator": lambda: (operators.CodeOperator(tree, channels=4), operated, operators.operator_loss),
        "piece head": lambda: (hierarchical.PieceHead(tree.latent_irreps), (codes, kinds), mlp.cross_entropy_loss),
        "slots": lambda: (hierarchical.SlotDecoder(tree, channels=4), (codes, polycubes.pieces()[1]), slotted),
        "flow": lambda: (flow.Flow(chart, flow.MotifVelocity(chart, 16, 1), n_steps=2), motifs, flow.flow_loss()),
        "flow of sets": lambda: (set_flow, v.real(), flow.flow_loss()),
        "drawing": lambda: (v.code_flow(), (v.draw(9, 50),), pieces.drawing_loss),
        "surroundings": lambda: (pieces.Surroundings(channels=4), surroundings, pieces.surroundings_loss),
        "places": lambda: (v.scorer(), v.real(), position_loss),
        "missing atom": lambda: (missing_atom.CartesianNetwork(8, 4, 1), torch.arange(4), masked_loss),
    }
    for name in networks.NONLINEARITIES:
        model = networks.network(name, v.water_blocks(), channels=4)
        todo[f"Hamiltonian, {name}"] = lambda model=model: (model, torch.arange(6), matrix_loss)
    done = {name: lambda make=make: trained(*make()) for name, make in todo.items()}
    done["talk's inpainting"] = lambda: inpainting.TalkCompletion(
        vae.VariationalAutoencoder().eval(), standardiser, beta=0.1
    ).complete(v.real()[:2, :7], 1, 2, v.generator())
    done["latent inpainting"] = lambda: latent.LatentCompletion(
        lambda code: v.real()[3] + 0.1 * (code[:, :3, None, None] * v.draw(3, 8, 3)).sum(dim=1),
        *(3, 8),
        sigma=0.1,
        generator=v.generator(),
    ).complete(v.real()[:2, :7], 1, 2, v.generator())
    return done


def measured() -> dict[str, list[list[float]]]:
    """Summaries by name; that of a valid call is the last part of its name, made unique by its order."""
    fixtures = [f for name, f in vars(v).items() if hasattr(f, "cache_clear") and f.__module__ == v.__name__]
    for fixture in fixtures:
        torch.manual_seed(0)
        fixture()
    found = {}
    for name, make in tqdm(v.VALID.items(), "valid calls"):
        torch.manual_seed(0)
        function, arguments, named = make()
        parts = name.split(".")
        key = ".".join(parts[-2:] if parts[-2][0].isupper() else parts[-1:])
        while key in found:
            key += "'"
        found[key] = summary(function(*arguments, **named))
    for name, make in tqdm(trainings().items(), "trainings"):
        torch.manual_seed(0)
        found[f"ten steps: {name}"] = summary(make())
    return found


def difference(ours: list[list[float]], kept: list[list[float]]) -> float:
    """The largest difference, relative where numbers are above one."""
    if [len(x) for x in ours] != [len(x) for x in kept]:
        return float("inf")
    x, y = (np.concatenate([[0.0], *map(np.array, side)]) for side in (ours, kept))
    other = ~(np.isnan(x) & np.isnan(y) | (x == y))
    x, y = x[other], y[other]
    return float((np.abs(x - y) / np.maximum(1, np.abs(y))).max(initial=0))


def main() -> int:
    """Write or compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path, nargs="?", default=Path(__file__).parent / "same_numbers.json")
    parser.add_argument("--write", action="store_true", help="keep today's numbers instead of comparing with kept ones")
    options = parser.parse_args()
    torch.set_num_threads(1)
    ours = measured()
    if options.write:
        lines = (f"{json.dumps(name)}: {json.dumps(ours[name])}" for name in sorted(ours))
        options.file.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
        return 0
    kept = json.loads(options.file.read_text(encoding="utf-8"))
    wrong = [f"{name}: only on one side" for name in sorted(set(ours) ^ set(kept))]
    worst = {name: difference(ours[name], kept[name]) for name in set(ours) & set(kept)}
    wrong += [f"{name}: {off:.1e}" for name, off in sorted(worst.items()) if not off <= TOLERANCE]
    print("\n".join(wrong), f"{len(worst)} compared, the largest difference is {max(worst.values()):.1e}", sep="\n")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
