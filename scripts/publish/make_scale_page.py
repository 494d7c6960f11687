"""The figures of docs/scale.md, from what `python -m benchmarks scale` measured.

python scripts/publish/make_scale_page.py     write them into the page
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent.parent))

from scripts.publish.pages import TOP, fill, table

PAGE = TOP / "docs" / "scale.md"
MEASURED = TOP / "benchmarks" / "results" / "scale.json"


def spread(values: list[float]) -> str:
    """The median of some numbers, with the smallest and the largest."""
    return f"{np.median(values):,.0f} ({min(values):,.0f} to {max(values):,.0f})"


def middle(runs: list, size: int, name: str) -> float:
    """The median over repeats of one number at one size."""
    return float(np.median([run[size][name] for run in runs]))


def processes(found: dict) -> str:
    """Examples a second by size and by who computes, as a table with a sentence below."""
    runs = found["processes"]
    rows, cheaper, ways = [], [], ("one", "two threads", "two")
    for index, (width, batch_size) in enumerate(runs["sizes"]):
        speeds = [spread([run[index]["examples a second"] for run in runs[name]]) for name in ways]
        dearer = middle(runs["two"], index, "cpu") / middle(runs["one"], index, "cpu")
        rows.append((f"{width}", f"{batch_size:,}", *speeds, f"{dearer:.2f}"))
        cheaper.append(2 / dearer)
    one, four = np.median(runs["shares"], axis=0)
    header = "numbers an atom | examples a step | one process | two threads | two processes | CPU time, two / one"
    return table(header, rows) + (
        f"\n\nExamples a second on {found['cores']} cores, medians of {found['repeats']} with the slowest and the"
        " fastest, on a machine that had other work to do as well, often a whole core's worth. The last column depends"
        " less on that: the CPU seconds of an example in both processes over those in one. With two idle cores it would"
        f" allow {min(cheaper):.1f} to {max(cheaper):.1f} times the speed of one process. One process with 256 examples"
        f" in four shares had {four / one:.2f} of its speed with one share."
    )


def stream(found: dict) -> str:
    """What a folder costs that is read anew in every epoch, as a sentence."""
    one = found["stream"]
    streamed, kept = one["streamed"], one["kept"]
    training = middle(found["processes"]["one"], 1, "examples a second")
    share = 1 / (1 + streamed["examples a second"] / training)
    of_gigabyte = 1000 / one["megabytes kept"] * one["cells"]
    return (
        f"A folder of {one['cells']} cells of 512 atoms, {one['megabytes on disk']:.0f} MB, is gone through in"
        f" {one['index seconds']:.2f} s to find its cells, and read at {streamed['examples a second']:,.0f} examples a"
        f" second, with {streamed['megabytes']:.0f} MB on top of what Python had; keeping it takes"
        f" {kept['megabytes']:.0f} MB. Reading takes {share:.0%} of the time of an epoch at 48 numbers an atom. A"
        f" gigabyte holds the neighbourhoods of {of_gigabyte:,.0f} such cells."
    )


def checkpoint(found: dict) -> str:
    """What a checkpoint costs, as a sentence."""
    one = found["checkpoint"]
    words = [
        f"{milliseconds:.0f} ms and {megabytes:.1f} MB at {width} numbers an atom"
        for width, milliseconds, megabytes in zip(one["width"], one["milliseconds"], one["megabytes"], strict=True)
    ]
    return f"A checkpoint takes {', '.join(words)}."


def jobs(found: dict) -> str:
    """What Dask adds to a job, as a sentence."""
    here, dask = found["jobs"]["processes"], found["jobs"]["Dask"]
    return (
        f"A job that does nothing takes {dask['milliseconds']:.0f} ms with Dask and {here['milliseconds']:.1f} ms with"
        f" joblib's own processes, and two workers are ready after {dask['start']:.0f} s and {here['start']:.0f} s."
    )


def blocks() -> dict[str, str]:
    """All that is generated in the page, by the names of its blocks."""
    found = json.loads(MEASURED.read_text(encoding="utf-8"))["series"]
    return {make.__name__: make(found) for make in (processes, stream, checkpoint, jobs)}


if __name__ == "__main__":
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    fill(PAGE, blocks())
