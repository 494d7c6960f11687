"""The library behind the notebooks: from a list of coordinates to models that know about rotations.

A folder is imported when it is used: `from tutorial_lib import datasets, representations`.
"""
