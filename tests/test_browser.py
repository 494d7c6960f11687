"""In a real Chromium: the widget draws, and the still picture stands where nothing was run."""

import json
import os
import shutil
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import nbformat
import pytest

from tutorial_lib.__main__ import NOTEBOOKS

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
OPTIONS = [
    "--headless",
    "--no-sandbox",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed (Debian: apt-get install chromium)"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]
COUNT_PIXELS = """canvas => {
    const copy = document.createElement('canvas');
    copy.width = canvas.width; copy.height = canvas.height;
    const context = copy.getContext('2d');
    context.drawImage(canvas, 0, 0);
    const data = context.getImageData(0, 0, copy.width, copy.height).data;
    let drawn = 0;
    for (let i = 0; i < data.length; i += 4)
        if (data[i + 3] > 0 && data[i] + data[i + 1] + data[i + 2] < 700) drawn++;
    return drawn;
}"""


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """JupyterLab on loopback with its token on, in a folder with the cells of notebook 02 up to its first view."""
    folder = tmp_path_factory.mktemp("lab")
    book = nbformat.read(NOTEBOOKS / "02_gram_vae.ipynb", 4)
    first_view = next(i for i, cell in enumerate(book.cells) if "view" in cell.metadata.get("tags", []))
    book.cells = book.cells[: first_view + 1]
    nbformat.write(book, folder / "view.ipynb")
    state = {"JUPYTER_RUNTIME_DIR": str(folder / "runtime"), "JUPYTER_CONFIG_DIR": str(folder / "config")}
    process = subprocess.Popen(
        [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ServerApp.ip=127.0.0.1",
         f"--ServerApp.root_dir={folder}", "--LabApp.news_url=None"],
        env=os.environ | state, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield _ready(folder / "runtime")
    finally:
        process.terminate()
        process.wait(30)


def _ready(runtime: Path) -> dict:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        for path in runtime.glob("jpserver-*.json"):
            server = json.loads(path.read_text())
            try:
                urllib.request.urlopen(f"{server['url']}api?token={server['token']}", timeout=5).close()
            except OSError:
                continue
            return server
        time.sleep(0.5)
    raise TimeoutError("JupyterLab did not answer within a minute")


@pytest.fixture
def page(lab, tmp_path):
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
        page = browser.new_page(viewport={"width": 1200, "height": 1000})
        page.goto(f"{lab['url']}lab/workspaces/{tmp_path.name}/tree/view.ipynb?token={lab['token']}")
        page.wait_for_selector(".jp-Notebook .jp-CodeCell", timeout=60_000)
        yield page
        browser.close()


def test_the_still_picture_stands_before_anything_is_run(page):
    picture = page.locator("img[alt^='An atom, four neighbours']")
    picture.scroll_into_view_if_needed(timeout=30_000)
    assert picture.evaluate("image => image.naturalWidth") > 100
    assert page.locator("canvas").count() == 0


def test_the_widget_draws_atoms(page, tmp_path):
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_text("Run All Cells", exact=True).click()
    canvas = page.locator(".nglview-container canvas, .jp-OutputArea canvas").first
    canvas.wait_for(state="attached", timeout=120_000)
    canvas.scroll_into_view_if_needed()
    deadline = time.monotonic() + 60
    while (drawn := canvas.evaluate(COUNT_PIXELS)) < 500 and time.monotonic() < deadline:
        time.sleep(1)
    page.screenshot(path=os.environ.get("SCREENSHOT", str(tmp_path / "widget.png")))
    assert drawn >= 500
    assert "Traceback" not in page.inner_text(".jp-Notebook")
