"""Checksums of shipped files: one line a file, each its own."""

from pathlib import Path

import pytest

from tutorial_lib import storage
from tutorial_lib.datasets import hamiltonians, qm9, silicon


@pytest.mark.parametrize(
    "folder", [storage.WEIGHTS, silicon.DATA, qm9.DATA, hamiltonians.DATA], ids=lambda path: path.name
)
def test_every_shipped_file_has_a_checksum_and_a_source(folder: Path) -> None:
    files = {path.name for path in folder.iterdir() if path.is_file()} - {"SOURCES.md", storage.SUMS}
    assert files == {line.split()[1] for line in (folder / storage.SUMS).read_text().splitlines()}
    text = (folder / "SOURCES.md").read_text()
    assert all(name.removesuffix(".npz") in text for name in files)


def test_signing_a_file_leaves_the_lines_of_the_others_alone(tmp_path: Path) -> None:
    one, other = tmp_path / "one.pt", tmp_path / "other.pt"
    for path in (other, one):
        path.write_bytes(path.name.encode())
        storage.sign(path)
    assert (tmp_path / storage.SUMS).read_text() == storage.checksum_line(one) + storage.checksum_line(other)
    assert storage.verified(other, otherwise="train it again") == other


def test_signing_a_changed_file_replaces_its_line_and_nothing_else(tmp_path: Path) -> None:
    one, other = tmp_path / "one.pt", tmp_path / "other.pt"
    for path, content in ((one, b"before"), (other, b"other"), (one, b"after")):
        path.write_bytes(content)
        if path == one and content == b"after":
            with pytest.raises(ValueError, match="train it again"):
                storage.verified(one, otherwise="train it again")
        storage.sign(path)
    assert storage.verified(one, otherwise="") == one
    assert storage.verified(other, otherwise="") == other
    assert len((tmp_path / storage.SUMS).read_text().splitlines()) == 2
