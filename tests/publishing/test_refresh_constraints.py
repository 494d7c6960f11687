"""The script that takes the newest versions, without asking pip."""

import sys

from scripts import refresh_constraints as script

PACKAGES = [
    {"name": "Torch", "version": "2.13.0+cpu", "requires_python": ">=3.10"},
    {"name": "some_package", "version": "2.0", "requires_python": ">=3.11.5"},
    {"name": "nvidia-cublas", "version": "1.0"},
    {"name": "tutorial-lib", "version": "0.1.0"},
]


def test_the_oldest_python_is_that_of_the_project():
    assert script.oldest_python() == "3.11.0"


def test_what_is_too_new_for_the_oldest_python_gets_a_limit():
    assert script.too_new(PACKAGES, "3.11.0", {}) == ["some-package<2.0"]
    assert script.too_new(PACKAGES, "3.11.0", {"some-package": "1.4"}) == ["some-package<=1.4"]
    assert script.too_new(PACKAGES, "3.11.0", {"some-package": "2.0"}) == ["some-package<2.0"], "not <=2.0 for ever"
    assert script.too_new(PACKAGES, "3.12.0", {}) == []


def test_pins_name_no_build_no_cuda_and_not_ourselves():
    assert script.pins(PACKAGES) == {"some-package": "2.0", "torch": "2.13.0"}


def test_what_moved_came_and_went_is_said():
    before, after = (
        script.read("# a comment\nTorch==2.12.0\nold==1\nsame==3\n"),
        {"torch": "2.13.0", "same": "3", "x": "1"},
    )
    assert script.moved(before, after) == ["old 1 -> -", "torch 2.12.0 -> 2.13.0", "x - -> 1"]


def test_pip_is_asked_again_without_what_is_too_new_and_the_file_is_written(tmp_path, monkeypatch, capsys):
    asked = []

    def solved(limits):
        asked.append(list(limits))
        return [one for one in PACKAGES if not limits or one["name"] != "some_package"]

    pins = tmp_path / "constraints.txt"
    pins.write_text("# The header.\ntorch==2.12.0\n")
    monkeypatch.setattr(script, "PINS", pins)
    monkeypatch.setattr(script, "solved", solved)
    monkeypatch.setattr(sys, "argv", ["refresh", "--check"])
    script.main()
    assert pins.read_text() == "# The header.\ntorch==2.12.0\n"
    monkeypatch.setattr(sys, "argv", ["refresh"])
    script.main()
    assert pins.read_text() == "# The header.\ntorch==2.13.0\n"
    assert asked[:2] == [[], ["some-package<2.0"]]
    assert "torch 2.12.0 -> 2.13.0" in capsys.readouterr().out
