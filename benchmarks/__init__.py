"""Every figure that a notebook must show, measured again: `python -m benchmarks` runs them all.

Each module is named for its notebook, prints a table figure / asked / measured, writes `results/<name>.json`, and
each of its runs into a file in `results/runs/<name>`, and exits with status 1 where a pass figure is missed.
"""
