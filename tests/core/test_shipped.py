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


def test_signing_a_changed_file_replaces_its_line_and_leaves_the_others_alone(tmp_path: Path) -> None:
    one, other = tmp_path / "one.pt", tmp_path / "other.pt"
    for path in (other, one):
        path.write_bytes(path.name.encode())
        storage.sign(path)
    one.write_bytes(b"after")
    with pytest.raises(ValueError, match="train it again"):
        storage.verified(one, otherwise="train it again")
    storage.sign(one)
    assert (tmp_path / storage.SUMS).read_text() == storage.checksum_line(one) + storage.checksum_line(other)
    assert [storage.verified(path, otherwise="") for path in (one, other)] == [one, other]
