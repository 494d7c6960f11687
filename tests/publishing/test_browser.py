"""In a real Chromium, a reader's copy of every lesson: atoms and maps that draw, sliders that move, pictures that stay.

Screenshots are kept under build/screenshots, or where the variable SCREENSHOTS says.
"""

import contextlib
import io
import json
import os
import shutil
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import numpy as np
import pytest
from books import BOOKS, NOTEBOOKS, TOP, cells
from chromium import IN_BROWSER, until
from PIL import Image

SCREENSHOTS = Path(os.environ.get("SCREENSHOTS", TOP / "build" / "screenshots"))
SMOKE = ("01", "04")  # a periodic cell and a molecule; pieces of cubes
each_lesson = pytest.mark.parametrize(
    "lesson",
    [pytest.param(p, id=p.stem, marks=pytest.mark.smoke if p.name[:2] in SMOKE else ()) for p in BOOKS],
)
pytestmark = IN_BROWSER
ERRORS = "[data-mime-type='application/vnd.jupyter.error'], [data-mime-type='application/vnd.jupyter.stderr']"


def views(code):
    """The places of the cells that show atoms, among the code cells."""
    return [i for i, cell in enumerate(code) if "view" in cell.metadata.get("tags", [])]


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A repository that holds the lessons, and beside it what JupyterLab keeps."""
    project = tmp_path_factory.mktemp("lab") / "project"
    shutil.copytree(NOTEBOOKS, project / "notebooks", ignore=shutil.ignore_patterns(".*"))
    (project / "benchmarks").symlink_to(TOP / "benchmarks")
    shutil.copy(TOP / ".gitignore", project)
    for words in ("init -q", "add .", "-c user.name=A -c user.email=a@b.example commit -q -m All"):
        subprocess.run(["git", *words.split()], cwd=project, check=True)
    # All cells in the page at once; by default, JupyterLab makes those that are scrolled to.
    settings = project.parent / "settings" / "@jupyterlab" / "notebook-extension" / "tracker.jupyterlab-settings"
    settings.parent.mkdir(parents=True)
    settings.write_text('{"windowingMode": "none"}')
    return project


@pytest.fixture(scope="module")
def lab(project):
    """JupyterLab on a reader's copies, as the command starts it."""
    names = {"_RUNTIME_DIR": "runtime", "_CONFIG_DIR": "config"}
    names |= {"LAB_SETTINGS_DIR": "settings", "LAB_WORKSPACES_DIR": "workspaces"}
    state = {f"JUPYTER{name}": str(project.parent / folder) for name, folder in names.items()}
    start = f"""
from pathlib import Path
from tutorial_lib import __main__ as command
from tutorial_lib.course import runs
runs.NOTEBOOKS = Path({str(project / "notebooks")!r})
command.lab(["--no-browser", "--LabApp.news_url=None"])
"""
    silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen([sys.executable, "-c", start], env=os.environ | state, **silent)
    try:
        server = until(lambda: answering(project.parent / "runtime"), 60)
        assert server, "JupyterLab did not answer within a minute"
        yield server
    finally:
        process.terminate()
        process.wait(30)


def answering(runtime):
    """Address and token of the server that has left them in this folder, if it answers."""
    for path in runtime.glob("jpserver-*.json"):
        with contextlib.suppress(OSError):
            server = json.loads(path.read_text())
            urllib.request.urlopen(f"{server['url']}api?token={server['token']}", timeout=5).close()
            return server
    return None


@pytest.fixture
def opened(lab, browser, request):
    """A function that opens a notebook in a window of its own."""
    pages, asked = [], []

    def open_(path: str):
        page = browser.new_page(viewport={"width": 1200, "height": 1000})
        pages.append(page)
        page.on("request", lambda request: asked.append(request.url))
        # On a machine so busy that the connection breaks, JupyterLab says so in a dialog, which would take all clicks.
        dialog = page.locator(".jp-Dialog").last
        page.add_locator_handler(dialog, lambda: dialog.locator("button.jp-mod-accept").click())
        # A workspace of its own, else old tabs reopen.
        name = f"test{abs(hash((request.node.name, path)))}"
        page.goto(f"{lab['url']}lab/workspaces/{name}/tree/{path}?token={lab['token']}")
        page.wait_for_selector(".jp-Notebook .jp-CodeCell", timeout=60_000)
        page.wait_for_selector(".jp-Notebook-ExecutionIndicator[data-status='idle']", timeout=60_000)
        return page

    yield open_
    for page in pages:
        page.close()
    assert [url for url in asked if not url.startswith((lab["url"], "data:", "blob:"))] == [], "it calls somebody else"


def run_all(page, n_cells: int, seconds: float):
    """Run all cells of a notebook that has not been run, and wait; no cell fails."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    prompts = page.locator(".jp-CodeCell .jp-InputPrompt")

    def shown():  # a folded cell has an empty prompt
        return set(prompts.all_inner_texts()) - {""}

    def click():
        page.get_by_role("menuitem", name="Run", exact=True).click()
        page.get_by_text("Run All Cells", exact=True).click()
        return time.monotonic()

    clicked = click()
    deadline = clicked + seconds
    while time.monotonic() < deadline:
        assert page.locator(ERRORS).count() == 0, page.locator(ERRORS).first.inner_text()
        here = shown()
        if "[ ]:" not in here and "[*]:" not in here and f"[{n_cells}]:" in here:
            return
        # A click that comes before the kernel, or a machine so busy that the connection breaks, leaves cells waiting.
        if "[ ]:" in here and "[*]:" not in here and time.monotonic() > clicked + 20:
            clicked = click()
        time.sleep(1)
    page.screenshot(path=SCREENSHOTS / "late.png")
    raise TimeoutError(f"after {seconds} s the prompts are {shown()}")


def pixels(part) -> np.ndarray:
    """What a reader sees of a part of the page, as (height, width, 3) whole numbers."""
    part.scroll_into_view_if_needed()
    return np.asarray(Image.open(io.BytesIO(part.screenshot())).convert("RGB")).astype(int)


def drawn(part) -> int:
    """How many pixels differ from the commonest colour, the background."""
    shown = pixels(part).reshape(-1, 3)
    colours, counts = np.unique(shown, axis=0, return_counts=True)
    return int((abs(shown - colours[counts.argmax()]).sum(axis=1) > 60).sum())


@each_lesson
def test_a_copy_runs_views_draw_sliders_move_them_and_what_is_saved_keeps_its_pictures(opened, project, lesson):
    page = opened(lesson.name)
    code = cells(lesson, "code")
    run_all(page, len(code), seconds=900)
    page.locator(".jp-Notebook").screenshot(path=SCREENSHOTS / f"{lesson.stem}.png")
    for i in views(code):
        cell = page.locator(".jp-CodeCell").nth(i)
        source = code[i].source
        canvases = cell.locator("canvas:visible")
        canvases.first.wait_for(state="visible", timeout=60_000)
        picture = canvases.last
        enough = until(lambda picture=picture: drawn(picture) > 500, 60)
        cell.screenshot(path=SCREENSHOTS / f"{lesson.stem}_{i}.png")
        assert enough, f"nothing is drawn by {source!r}"
        if "animate(" in source:
            before = pixels(picture)
            cell.locator(".noUi-handle:visible").focus()
            for _ in range(3):
                page.keyboard.press("ArrowRight")
            moved = until(lambda p=picture, b=before: (abs(pixels(p) - b).sum(axis=2) > 60).sum() > 200, 30)
            cell.screenshot(path=SCREENSHOTS / f"{lesson.stem}_{i}_moved.png")
            assert moved, "the slider changes nothing"
            assert cell.locator(".widget-readout:visible").inner_text() == "3"
    page.keyboard.press("Escape")
    page.keyboard.press("Control+s")
    saved = project / "my_course" / lesson.name
    # Not any outputs: JupyterLab may have saved by itself, while half of the cells had run.
    assert until(lambda: all(cells(saved, "code")[i].outputs for i in views(code)), 30)
    page.reload()
    page.wait_for_selector(".jp-Notebook .jp-CodeCell", timeout=60_000)
    for i in views(code):
        cell = page.locator(".jp-CodeCell").nth(i)
        cell.scroll_into_view_if_needed(timeout=30_000)
        picture = cell.locator("img[alt]")
        assert picture.get_attribute("alt")
        assert until(lambda picture=picture: picture.evaluate("image => image.naturalWidth") > 100, 10)
    assert "displaying widget" not in page.locator(".jp-Notebook").inner_text()
    status = subprocess.run(["git", "status", "--porcelain"], cwd=project, capture_output=True, text=True, check=True)
    assert status.stdout == "", "the originals changed"
