"""How large the house is: `python scripts/count_house.py` prints, for each folder of code, its lines and words.

Lines are all lines; statements leave docstrings out; the share of docstrings is their lines for each line of code.
Nothing is asked of the numbers here.
"""

import argparse
import ast
from pathlib import Path

TOP = Path(__file__).parent.parent
FOLDERS = ("tutorial_lib", "tests", "benchmarks", "scripts")


def counted(path: Path) -> tuple[int, int, int, int]:
    """The lines, the statements, the lines of code and the lines of docstrings of a file."""
    rows = path.read_text(encoding="utf-8").splitlines()
    nodes = list(ast.walk(ast.parse("\n".join(rows))))
    owners = [node for node in nodes if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)]
    docstrings = [node.body[0] for node in owners if ast.get_docstring(node, clean=False) is not None]
    documented = {line for node in docstrings for line in range(node.lineno, node.end_lineno + 1)}
    blank = {n for n, row in enumerate(rows, start=1) if not row.strip() or row.strip().startswith("#")}
    statements = sum(isinstance(node, ast.stmt) for node in nodes) - len(docstrings)
    return len(rows), statements, len(rows) - len(documented | blank), len(documented)


def main() -> None:
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    for folder in FOLDERS:
        counts = [counted(path) for path in sorted((TOP / folder).rglob("*.py"))]
        lines, statements, code, documented = (sum(column) for column in zip(*counts, strict=True))
        print(
            f"{folder:12} {len(counts):4} files {lines:6} lines {statements:6} statements, "
            f"{documented / code:.2f} lines of docstring for a line of code"
        )
    entries = [entry.name for entry in (TOP / "tutorial_lib").iterdir() if entry.name != "__pycache__"]
    print(f"{len(entries)} entries at the root of tutorial_lib")


if __name__ == "__main__":
    main()
