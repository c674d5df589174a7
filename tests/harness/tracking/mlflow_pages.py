"""A walk through MLflow's pages in headless Chromium, as a user takes it, with a picture of each screen.

The pictures of docs/tracking.md come from the same walk: `python -m tests.harness.tracking.mlflow_pages
RUNS CHARTS FOLDER`, with the two addresses that `harness ui` prints, of a study with --system-metrics.
"""

from __future__ import annotations

import re
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from selenium import webdriver
from selenium.common.exceptions import (
    ElementClickInterceptedException,
    ElementNotInteractableException,
    StaleElementReferenceException,
    TimeoutException,
)
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webdriver import WebDriver
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait

SECONDS = 120.0
"""Seconds after which a page that lacks something is considered broken."""

SETTLE_SECONDS, CLICKS, WINDOW = 2.0, 20, "1800,1000"

CHANGES = (
    ElementClickInterceptedException,
    ElementNotInteractableException,
    StaleElementReferenceException,
    TimeoutException,
)
"""Errors while the page is changing, or drawing for a while."""

PARAM_COLUMNS = ("params.`arm`", "params.`protocol`", "params.`seed`")
SCORE_COLUMNS = (
    "metrics.`test/accuracy`",
    "metrics.`test/uar`",
    "metrics.`cost/parameters_mib`",
    "metrics.`cost/multiply_adds`",
)
DATASET = re.compile(r"\w+ \([0-9a-f]{16}\)")

READ_CELLS = """
return [...document.querySelectorAll("[role=gridcell][col-id]")].map(cell =>
    [cell.closest("[row-id]").getAttribute("row-id"), cell.getAttribute("col-id"), cell.innerText.trim()])
"""
"""Run id, column and text of each cell of the table of runs that the page has drawn."""


def find_browser() -> tuple[str, str] | None:
    """Return the paths of Chromium and its driver, or None if one is missing."""
    paths = shutil.which("chromium"), shutil.which("chromedriver")
    return (paths[0], paths[1]) if paths[0] and paths[1] else None


@contextmanager
def open_browser(chromium: str, driver: str) -> Iterator[WebDriver]:
    """Start a headless browser with a new profile."""
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for argument in ("headless=new", "no-sandbox", "disable-dev-shm-usage", f"window-size={WINDOW}"):
        options.add_argument(f"--{argument}")
    browser = webdriver.Chrome(options, webdriver.ChromeService(driver))
    try:
        yield browser
    finally:
        browser.quit()


class Pages:
    """MLflow in a browser; `folder` receives the pictures."""

    def __init__(self, browser: WebDriver, folder: Path) -> None:
        self.browser, self.folder = browser, folder

    def wait_for(self, xpath: str) -> WebElement:
        """Return the first visible element of `xpath`; raise AssertionError if there is none."""

        def find(browser: WebDriver) -> WebElement | None:
            return next((e for e in browser.find_elements(By.XPATH, xpath) if e.is_displayed()), None)

        try:
            element = WebDriverWait(self.browser, SECONDS, ignored_exceptions=CHANGES).until(find)
        except TimeoutException as error:
            self.save("failure")
            text = self.browser.find_element(By.TAG_NAME, "body").text
            raise AssertionError(f"{self.browser.current_url} lacks {xpath}:\n{text}") from error
        assert element is not None
        return element

    def wait_for_text(self, text: str) -> WebElement:
        """Return an element whose own text contains `text`."""
        return self.wait_for(f"//*[text()[contains(., '{text}')]]")

    def click(self, xpath: str) -> None:
        """Click the first visible element of `xpath`, again if the page replaces it meanwhile."""
        for _ in range(CLICKS):
            with suppress(*CHANGES):
                self.wait_for(xpath).click()
                return
        raise AssertionError(f"{self.browser.current_url} keeps replacing {xpath}")

    def save(self, name: str) -> None:
        """Save a picture of the window as `name`.png, when its animations have ended."""
        time.sleep(SETTLE_SECONDS)
        self.browser.save_screenshot(str(self.folder / f"{name}.png"))

    def open(self, address: str) -> None:
        """Load a page and close the assistant, which MLflow opens on a first visit."""
        self.browser.get("about:blank")
        self.browser.get(address)
        assistant = "//button[@data-component-id='mlflow.assistant.chat_panel.close']"
        self.wait_for(f"{assistant} | //button[@data-assistant-ui]")
        if self.browser.find_elements(By.XPATH, assistant):
            self.click(assistant)

    def read_rows(self) -> dict[str, dict[str, str]]:
        """Return the cells by column of each row of the table of runs, by run id, from the top."""
        self.wait_for("//*[@role='gridcell' and contains(@col-id, 'Run Name')]")
        cells = self.browser.execute_script(READ_CELLS)
        rows: dict[str, dict[str, str]] = {}
        for run_id, column, text in cells:
            rows.setdefault(run_id, {})[column] = text
        return rows

    def open_tab(self, name: str) -> None:
        """Open a tab of the page of a run."""
        self.click(f"//button[@role='tab' and .='{name}']")
        self.wait_for(f"//button[@role='tab' and .='{name}' and @aria-selected='true']")

    def check_mode(self) -> None:
        """Check that MLflow is in the mode for model training, whose bar at the left lists the models."""
        self.wait_for_text("Model training")
        self.wait_for("//a[.='Models'] | //*[@role='link' and .='Models'] | //nav//*[text()='Models']")


def walk(pages: Pages, *, runs: str, charts: str, has_system_metrics: bool) -> None:
    """Walk from the addresses that `harness ui` prints to a study, a cell, a curve and an image.

    Raises:
        AssertionError: a page lacks something.
    """
    pages.open(runs)
    pages.check_mode()
    (study_id, study), *cells = pages.read_rows().items()
    assert cells, "the row of the study is not expanded"
    for column in SCORE_COLUMNS:
        assert float(study[column]) >= 0, column
    for _, cell in cells:
        assert all(cell[column] not in ("", "-") for column in (*PARAM_COLUMNS, *SCORE_COLUMNS)), cell
        assert DATASET.match(cell["attributes.`Dataset`"]), cell
    pages.wait_for("//button[contains(., 'Datasets') and not(@disabled)]")
    pages.save("runs")

    pages.open(f"{runs.partition('#')[0]}#/")
    pages.click("//*[text()='Model training']")
    pages.open(runs)
    pages.click(f"//*[@row-id='{study_id}']//a")
    pages.wait_for("//table//th[contains(., 'UAR, %')]")
    pages.wait_for_text("cells/finished")
    pages.wait_for_text("harness.best_arm")
    pages.check_mode()
    pages.save("study")
    pages.open_tab("Artifacts")
    pages.click("//*[text()='report']")
    pages.click("//*[text()='report.md']")
    pages.wait_for_text("Setup")
    pages.save("report")

    pages.open(runs)
    cell_id, _ = cells[-1]
    pages.click(f"//*[@row-id='{cell_id}']//a")
    pages.wait_for_text("validation/accuracy")
    pages.wait_for("//*[contains(., 'Source')]/following::*[text()[contains(., 'harness')]]")
    assert pages.browser.find_elements(By.XPATH, "//*[text()[contains(., 'Datasets')]]")
    pages.save("cell")
    pages.open_tab("Model metrics")
    pages.wait_for("//*[contains(@class, 'scatterlayer')]//*[contains(@class, 'trace')]//*[name()='path']")
    pages.save("curves")
    if has_system_metrics:
        pages.open_tab("System metrics")
        pages.wait_for_text("cpu_utilization_percentage")
        pages.save("system")
    pages.open_tab("Artifacts")
    pages.click("//*[text()='confusion_matrix.png']")
    image = pages.wait_for("//img[contains(@src, 'blob:')]")
    assert int(str(image.get_attribute("naturalWidth"))) > 0
    pages.save("image")

    pages.open(charts)
    pages.check_mode()
    pages.wait_for("//*[contains(@class, 'barlayer')]//*[name()='path']")
    assert not pages.browser.find_elements(By.XPATH, "//*[text()='Additional runs']")
    pages.wait_for_text("validation/accuracy")
    pages.save("charts")


def main() -> None:
    """Take the pictures of the walk."""
    runs, charts, folder = sys.argv[1:]
    paths = find_browser()
    assert paths, "chromium and chromedriver must be installed"
    with open_browser(*paths) as browser:
        walk(Pages(browser, Path(folder)), runs=runs, charts=charts, has_system_metrics=True)


if __name__ == "__main__":
    main()
