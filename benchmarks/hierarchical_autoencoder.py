"""Notebook 05's figures: codes of Tetris pieces and of polycubes, what comes back, and what symmetry forbids."""

import copy
import math
import time
import warnings
from functools import partial

import torch
from torch import Generator, Tensor
from torch.nn.functional import cross_entropy

from benchmarks.harness.store import Call, Runs
from benchmarks.harness.table import Benchmark, Figure, at_most, mean_and_spread
from benchmarks.tetris import posed
from tutorial_lib import metrics, representations, training
from tutorial_lib.datasets import polycubes
from tutorial_lib.models import equivariant, hierarchical
from tutorial_lib.models.hierarchical import HierarchicalAutoencoder
from tutorial_lib.training import recipes

N_POSES = 100
LMAX = (4, 3, 2)  # of the code
HELD_OUT = "held-out hexacubes"
TASKS = (HELD_OUT, "at most five cubes", "at most five cubes, and trees", "random trees")
NAMES, PIECES = polycubes.pieces()


def trained(model: HierarchicalAutoencoder, data: tuple, recipe: training.Recipe, rattle: float = 0.0) -> float:
    """The CPU seconds that the training of an autoencoder took."""
    began, loss = time.process_time(), partial(hierarchical.reconstruction_loss, rattle=rattle)
    training.train(model, data, loss, recipe, device="cpu", progress=False)
    return time.process_time() - began


def in_poses(shapes: list[Tensor], n_poses: int, generator: Generator) -> list[Tensor]:
    """Shapes in random poses, somewhere."""
    turns = representations.random_orthogonal(generator, (n_poses, len(shapes)), torch.float32)
    return [x @ q.mT + torch.randn(3, generator=generator) for row in turns for x, q in zip(shapes, row, strict=True)]


def equivariance(
    model: HierarchicalAutoencoder, clouds: Tensor, species: list[Tensor] | None = None, n_turns: int = 100
) -> dict[str, float]:
    """Errors of the code of moved, turned and mirrored clouds in two precisions, and of the points of turned codes."""
    found = {}
    for dtype in (torch.float32, torch.float64):
        f, generator = copy.deepcopy(model).to(dtype), Generator().manual_seed(5)
        encode, errors = partial(f.encode, species=species), []
        for _ in range(n_turns):
            q = representations.random_orthogonal(generator, (), dtype)
            D = equivariant.representation(str(model.latent_irreps), q)
            move = torch.randn(3, generator=generator, dtype=torch.float64).to(dtype)
            acts = [lambda x, q=q, move=move: x @ q.mT + move, lambda z, D=D: z @ D.mT]
            errors.append(metrics.equivariance_error(encode, clouds.to(dtype), *acts))
        found[str(dtype)] = max(errors)
    generator, apart = Generator().manual_seed(6), []
    with torch.no_grad():
        code = model.encode(clouds, species)
    unturned = model.decode(code)
    for _ in range(20):
        q = representations.random_orthogonal(generator, (), torch.float32)
        D = equivariant.representation(str(model.latent_irreps), q)
        for here, there in zip(unturned, model.decode(code @ D.mT), strict=True):
            apart.append(hierarchical.worst_distance(here @ q.mT, there))
    return found | {"points": max(apart)}


def classified(model: HierarchicalAutoencoder, seed: int) -> float:
    """The share of 1,000 poses that a head on the frozen code names rightly, after it has seen one pose of each."""
    head, label = hierarchical.PieceHead(model.latent_irreps, seed), torch.arange(8)
    with torch.no_grad():
        code, unseen = model.encode(PIECES), model.encode(posed(125, Generator().manual_seed(7)))

    def loss(head, batch, generator):
        return {"loss": cross_entropy(equivariant.logits(head(code))[batch], label[batch])}

    training.train(head, label, loss, recipes.tetris(seed), device="cpu", progress=False)
    with torch.no_grad():
        return (equivariant.logits(head(unseen)).argmax(dim=1) == label.repeat(125)).double().mean().item()


def slots(model: HierarchicalAutoencoder, seed: int) -> list[float]:
    """For each piece the largest distance that is left when the frozen code is decoded into four vectors."""
    decoder = hierarchical.SlotDecoder(model, seed=seed)
    with torch.no_grad():
        code = model.encode(PIECES)

    def loss(decoder, batch, generator):
        return {"loss": hierarchical.matched_error(decoder(code), PIECES)[batch].mean()}

    recipe = training.Recipe(epochs=400, batch_size=8, learning_rate=0.01, seed=seed)
    training.train(decoder, torch.arange(8), loss, recipe, device="cpu", progress=False)
    with torch.no_grad():
        return [hierarchical.worst_distance(a, b) for a, b in zip(decoder(code), PIECES, strict=True)]


def on_pieces(seed: int) -> dict:
    """All about the eight pieces."""
    poses = list(posed(N_POSES, Generator().manual_seed(8)))
    found: dict = {"exact": {}, "seconds": {}}
    for lmax in LMAX:
        model = HierarchicalAutoencoder(latent_lmax=lmax, seed=seed)
        seconds = trained(model, hierarchical.padded(list(PIECES)), recipes.hierarchical(seed))
        errors = hierarchical.reconstruction_errors(model, poses).unflatten(0, (N_POSES, 8))
        found["exact"][lmax] = (errors < 0.1).double().mean(dim=0).tolist()
        found["seconds"][lmax] = seconds
        if lmax == LMAX[0]:
            found |= {"numbers": model.latent_irreps.dim, "equivariance": equivariance(model, PIECES)}
            found |= {"classified": classified(model, seed), "slots": slots(model, seed)}
    angle = torch.arange(6) * math.pi / 3
    hexagon = torch.stack([angle.cos(), angle.sin(), torch.zeros(6)], dim=1)
    recipe = training.Recipe(epochs=600, batch_size=1, learning_rate=3e-3, seed=seed)
    found["hexagon"] = {}
    for lmax in (5, 6):
        model = HierarchicalAutoencoder(latent_lmax=lmax, seed=seed)
        trained(model, hierarchical.padded([hexagon]), recipe)
        errors = hierarchical.reconstruction_errors(model, in_poses([hexagon], 20, Generator().manual_seed(9)))
        found["hexagon"][lmax] = (errors < 0.1).double().mean().item()
    return found


def on_polycubes(seed: int, task: str) -> dict:
    """Reconstruction of shapes of six cubes after training without them."""
    (known, test), generator = polycubes.held_out(seed), Generator().manual_seed(seed)
    smaller = [shape for shape in known if len(shape) < 6]
    if task != HELD_OUT:
        test = polycubes.polycubes(6, mirrors_equal=True)
    train = {
        HELD_OUT: lambda: polycubes.with_trees(known, generator),
        "at most five cubes": lambda: smaller,
        "at most five cubes, and trees": lambda: polycubes.with_trees(smaller, generator, times=20, most=5),
        "random trees": lambda: polycubes.random_trees(recipes.N_TREES, generator),
    }[task]()
    model = hierarchical.polycube_autoencoder(seed)
    seconds = trained(model, hierarchical.padded(train), recipes.polycubes(len(train), seed))
    errors = hierarchical.reconstruction_errors(model, in_poses(test, 5, Generator().manual_seed(10)))
    found = {f"within {d}": (errors < d).double().mean().item() for d in (0.1, 0.2)}
    found |= {"examples": len(train), "test shapes": len(test), "seconds": seconds}
    missed = (errors.unflatten(0, (5, -1)) >= 0.2).any(dim=0).nonzero().flatten().tolist()
    found["missed"] = [sorted(polycubes.polycube_of(test[i], mirrors_equal=True)) for i in missed]
    if task == HELD_OUT:
        found["census"] = census(model, [shape for shape in known if len(shape) == 6])
    return found


def census(model: HierarchicalAutoencoder, parents: list[Tensor], n: int = 300) -> dict:
    """What codes half-way between two shapes of the training set decode to, and codes that were shaken."""
    generator = Generator().manual_seed(11)
    one, other = (
        in_poses([parents[i] for i in torch.randint(len(parents), (n,), generator=generator)], 1, generator)
        for _ in range(2)
    )
    with torch.no_grad():
        a, b = model.encode(one), model.encode(other)
    shaken = a + 0.5 * torch.randn(a.shape, generator=generator)
    found = {}
    for name, code in {"half-way": (a + b) / 2, "shaken": shaken}.items():
        code = code * (a.norm(dim=1) / code.norm(dim=1))[:, None]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            clouds = [cloud for part in code.split(50) for cloud in model.decode(part)]
        found[name] = polycubes.census(clouds, zip(one, other, strict=True), parents)
    return found


def all_runs(runs: Runs, seeds: list[int]) -> dict:
    """The pieces and all tasks, over seeds; of the pieces and of held-out hexacubes it is asked what training takes."""
    calls = [Call(on_pieces, seed, alone=True) for seed in seeds]
    calls += [Call(on_polycubes, seed, task, alone=task == HELD_OUT) for task in TASKS for seed in seeds]
    done = iter(runs.map(calls))
    return {"pieces": [next(done) for _ in seeds], "polycubes": {task: [next(done) for _ in seeds] for task in TASKS}}


def all_figures(series: dict) -> list[Figure]:
    """The table."""
    pieces, cubes = series["pieces"], series["polycubes"]

    shares = {lmax: torch.tensor([found["exact"][str(lmax)] for found in pieces]) for lmax in LMAX}
    worst, best = ({lmax: pick(x, dim=0).tolist() for lmax, x in shares.items()} for pick in (torch.amin, torch.amax))
    exact, seconds = min(worst[4]), max(found["seconds"]["4"] for found in pieces)
    numbers = pieces[0]["numbers"]
    failing = {lmax: [n for n, right in zip(NAMES, best[lmax], strict=True) if right < 0.5] for lmax in (3, 2)}
    only_square = failing[3] == ["square"] and worst[3].count(1) == 7 and best[3][NAMES.index("square")] == 0
    single, double = (
        max(found["equivariance"][f"torch.{name}"] for found in pieces) for name in ("float32", "float64")
    )
    points = max(found["equivariance"]["points"] for found in pieces)
    named = min(found["classified"] for found in pieces)
    left = torch.tensor([found["slots"] for found in pieces]).amin(dim=0).tolist()
    by_slots = [name for name, error in zip(NAMES, left, strict=True) if error < 0.1]
    held = cubes[HELD_OUT]

    def share(task: str, within: float) -> list[float]:
        return [found[f"within {within}"] for found in cubes[task]]

    took, n_unseen = max(found["seconds"] for found in held), held[0]["test shapes"]
    wide, of_trees = min(share(HELD_OUT, 0.2)), min(share("random trees", 0.2))
    figures = [
        Figure("eight pieces, any pose, exact within 0.1 edge, worst seed", "100 %", f"{exact:.1%}", exact == 1),
        at_most("numbers in their code", 50, numbers, "d"),
        at_most("their training (CPU seconds)", 90, seconds, ".0f", asked="90 (aim 60)"),
        Figure("l up to 3 fails on", "the square only", ", ".join(failing[3]), only_square),
        Figure("l up to 2 fails on", "(square and corner)", ", ".join(failing[2])),
        *(
            Figure(f"hexagon, code up to l = {lmax}, exact", f"({asked})", mean_and_spread(shares))
            for lmax, asked in ((5, "fails"), (6, "works"))
            for shares in [[found["hexagon"][str(lmax)] for found in pieces]]
        ),
        at_most("error of a turned code, float32", 1e-5, single, ".1e", asked="1e-5"),
        at_most("error of a turned code, float64", 1e-9, double, ".1e", asked="1e-9"),
        at_most("points of a turned code (edges of a cube)", 5e-3, points, ".1e", asked="5e-3"),
        Figure("pieces named from the code, 1,000 poses, worst seed", "100 %", f"{named:.1%}", named == 1),
        Figure("four slots reconstruct", "(only the L)", ", ".join(by_slots)),
        Figure(f"{n_unseen} unseen hexacubes, within 0.2, worst seed", "95 %", f"{wide:.1%}", wide >= 0.95),
        Figure("the same, within 0.1", "(aim 99 %)", f"{min(share(HELD_OUT, 0.1)):.1%}"),
        at_most("their training (CPU seconds)", 360, took, ".0f"),
        Figure("trained on random trees: hexacubes within 0.2, worst seed", "85 % (aim 95 %)", f"{of_trees:.1%}",
               of_trees >= 0.85),
    ]  # fmt: skip
    for task in TASKS[1:3]:
        words = mean_and_spread([100 * part for part in share(task, 0.2)])
        figures.append(Figure(f"trained on {task}: hexacubes within 0.2 (%)", "(aim 80)", words))
    for name, counts in held[0]["census"].items():
        for kind in counts:
            shares = [100 * run["census"][name][kind] / sum(run["census"][name].values()) for run in held]
            figures.append(Figure(f"codes {name}: {kind} (%)", "reported", mean_and_spread(shares)))
    return figures


BENCHMARK = Benchmark("hierarchical_autoencoder", all_runs, all_figures, notebook="05", aim=" (aim 100)")
