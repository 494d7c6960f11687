"""The library behind the notebooks: from a list of coordinates to models that know about turning.

Each module is one room; its first lines say what comes in and what goes out. Nothing is imported
here, so that `import tutorial_lib` costs nothing: enter by the room, `from tutorial_lib import gram`.
"""
