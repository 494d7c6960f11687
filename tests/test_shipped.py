"""Checksums of shipped files: one line a file, each its own."""

from pathlib import Path

import pytest

from tutorial_lib import hamiltonians, qm9, shipped, silicon


@pytest.mark.parametrize(
    "folder", [shipped.MODELS, silicon.DATA, qm9.DATA, hamiltonians.DATA], ids=lambda path: path.name
)
def test_every_shipped_file_has_a_checksum_and_a_source(folder: Path) -> None:
    files = {path.name for path in folder.iterdir() if path.is_file()} - {"SOURCES.md", shipped.SUMS}
    assert files == {line.split()[1] for line in (folder / shipped.SUMS).read_text().splitlines()}
    text = (folder / "SOURCES.md").read_text()
    assert all(name.removesuffix(".npz") in text for name in files)


def test_signing_a_file_leaves_the_lines_of_the_others_alone(tmp_path: Path) -> None:
    one, other = tmp_path / "one.pt", tmp_path / "other.pt"
    for path in (other, one):
        path.write_bytes(path.name.encode())
        shipped.sign(path)
    assert (tmp_path / shipped.SUMS).read_text() == shipped.checksum_line(one) + shipped.checksum_line(other)
    assert shipped.verified(other, otherwise="train it again") == other


def test_signing_a_changed_file_replaces_its_line_and_nothing_else(tmp_path: Path) -> None:
    one, other = tmp_path / "one.pt", tmp_path / "other.pt"
    for path, content in ((one, b"before"), (other, b"other"), (one, b"after")):
        path.write_bytes(content)
        if path == one and content == b"after":
            with pytest.raises(ValueError, match="train it again"):
                shipped.verified(one, otherwise="train it again")
        shipped.sign(path)
    assert shipped.verified(one, otherwise="") == one
    assert shipped.verified(other, otherwise="") == other
    assert len((tmp_path / shipped.SUMS).read_text().splitlines()) == 2
