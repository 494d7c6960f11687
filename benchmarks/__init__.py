"""Every figure that a notebook must show, measured again: `python -m benchmarks` runs them all.

A module measures the figures of the notebook that its first line names, or what no notebook has room for. It prints a
table figure / asked / measured, writes `results/<name>.json`, and each of its runs into a file in
`results/runs/<name>`, and exits with status 1 where a pass figure is missed.
"""
