"""The course on your machine.

python -m tutorial_lib                 opens my_course, your copies, in JupyterLab, which takes --no-browser, --port ...
python -m tutorial_lib update          brings your copies up to date, and keeps your answers
python -m tutorial_lib reset 02 ...    makes copies anew, and keeps backups
python -m tutorial_lib run [02 ...]    runs notebooks without a browser, and prints what each took
python -m tutorial_lib doctor          checks this installation
"""

import argparse
import sys
import time
from importlib.metadata import version

from nbclient.exceptions import CellExecutionError, DeadKernelError

from tutorial_lib.course import runs
from tutorial_lib.course.copies import BACKUPS, Copies


def copies() -> Copies:
    """The reader's copies; those that are missing are made."""
    runs.notebooks([])
    mine = Copies(runs.NOTEBOOKS, runs.NOTEBOOKS.parent / "my_course")
    mine.make()
    return mine


def lab(options: list[str]) -> None:
    """JupyterLab on the first notebook."""
    from tutorial_lib.course.server import serve  # which imports JupyterLab

    mine = copies()
    if outdated := mine.outdated():
        print(f"{', '.join(outdated)} changed: `python -m tutorial_lib update` brings that, and keeps your answers")
    serve(mine.folder, mine.names()[0], options)


def update(args: argparse.Namespace) -> None:
    """The command `update`."""
    mine = copies()
    outdated, broken = mine.outdated(), []
    for name in outdated:
        try:
            both = mine.update(name)
        except ValueError as problem:
            broken.append(str(problem))
            continue
        below = (
            f"; in {both} place{'s' * (both > 1)} your cell stands above the new one, as both had changed"
            if both
            else ""
        )
        print(f"{name}: up to date{below}")
    if len(outdated) > len(broken):
        print(f"what you had is in {mine.folder / BACKUPS}; reload open notebooks")
    elif not outdated:
        print("all copies are up to date")
    if broken:
        sys.exit("\n".join(broken))


def agreed(question: str) -> bool:
    """Whether a reader says yes; an input that has ended says no."""
    try:
        return input(question).strip().lower() in ("y", "yes")
    except EOFError:
        print()
        return False


def reset(args: argparse.Namespace) -> None:
    """The command `reset`."""
    mine, names = copies(), [path.name for path in runs.notebooks(args.numbers)]
    if not args.yes and not agreed(f"Make {', '.join(names)} anew? What you have goes to the backups (y/[n]) "):
        print("nothing has changed")
        return
    for name in names:
        mine.reset(name)
    print(f"done; what you had is in {mine.folder / BACKUPS}")


def run(args: argparse.Namespace) -> None:
    """The command `run`: notebooks one after another, with minutes and memory of each."""
    for path in runs.notebooks(args.numbers):
        start = time.perf_counter()
        try:
            done = runs.run_notebook(path, store=args.store)
        except CellExecutionError as error:
            sys.exit(f"{path.name} failed:\n{error}")
        except DeadKernelError:
            sys.exit(
                f"{path.name} stopped: its kernel died. A system without memory left ends it so: close what you can"
            )
        print(
            f"{path.stem}: {(time.perf_counter() - start) / 60:.1f} minutes, {done.cpu_seconds:.0f} CPU seconds, "
            f"{done.peak_bytes / 1e9:.2f} GB at its peak"
        )


def doctor(args: argparse.Namespace) -> None:
    """The command `doctor`."""
    from tutorial_lib.course.doctor import findings  # which imports all that is looked at

    to_mend = 0
    for title, found, way_out in findings(copies().folder):
        print(f"{title:20} {found}  -> {way_out}" if way_out else f"{title:20} {found}")
        to_mend += bool(way_out)
    if to_mend:
        sys.exit(f"{to_mend} to mend: what to do stands after the arrow")
    print("nothing to mend")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m tutorial_lib",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=version("tutorial-lib"))
    commands = parser.add_subparsers(metavar="command")
    parsers = {command: commands.add_parser(command.__name__) for command in (update, reset, run, doctor)}
    for command, known in parsers.items():
        known.set_defaults(command=command)
    parsers[reset].add_argument("numbers", nargs="+", metavar="NN", help="such as 02 or 2")
    parsers[reset].add_argument("--yes", action="store_true", help="do not ask")
    parsers[run].add_argument("numbers", nargs="*", metavar="NN", help="such as 02 or 2; all if none is named")
    parsers[run].add_argument("--store", action="store_true", help="write the outputs into the originals")
    words = sys.argv[1:]
    try:
        if words and (not words[0].startswith("-") or words[0] in ("-h", "--help", "--version")):
            args = parser.parse_args()
            args.command(args)
        else:
            lab(words)
    except (OSError, ValueError) as problem:
        sys.exit(str(problem))
    except KeyboardInterrupt:
        sys.exit("stopped")


if __name__ == "__main__":
    main()
