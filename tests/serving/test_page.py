"""The page in a real browser: Debian's chromium, driven by playwright."""

import os
import shutil
import subprocess
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from headwater.serving.application import application
from headwater.serving.models import Models
from headwater.serving.settings import Settings
from serving_threads import serving

playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright")

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium here")

TEXT = "Ada built the old mill by the river."
HURT = "document.title='hurt'"
HOSTILE = (
    f"<script>{HURT}</script>",
    f'<img src=x onerror="{HURT}">',
    f'<svg onload="{HURT}">',
    f'"><script>{HURT}</script>',
    f"'><script>{HURT}</script>",
    f'<a href="javascript:{HURT}">a</a>',
    f'<iframe srcdoc="<script>parent.{HURT}</script>">',
    f'<iframe src="javascript:parent.{HURT}">',
    f"</textarea><script>{HURT}</script>",
    f"</title><script>{HURT}</script>",
    f"</script><script>{HURT}</script>",
    f"</style><script>{HURT}</script>",
    f"<!--><script>{HURT}</script>",
    f"<body onload={HURT}>",
    f"<input autofocus onfocus={HURT}>",
    f"<details open ontoggle={HURT}>",
    f"<video><source onerror={HURT}>",
    f"<marquee onstart={HURT}>",
    f"<object data='javascript:{HURT}'>",
    f"<embed src='javascript:{HURT}'>",
    f"<form action='javascript:{HURT}'><button>",
    f"<math><mtext><script>{HURT}</script>",
    f"<svg><script>{HURT}</script></svg>",
    f"<base href='javascript:{HURT}//'>",
    f"<meta http-equiv=refresh content='0;url=javascript:{HURT}'>",
    f"<link rel=stylesheet href='data:text/css,*{{}}' onload={HURT}>",
    f"&lt;script&gt;{HURT}&lt;/script&gt;",
    f"\\u003cscript\\u003e{HURT}\\u003c/script\\u003e",
    "{{constructor.constructor('document.title=1')()}}",
    f"${{{HURT}}} `{HURT}` ${HURT}$",
)


@pytest.fixture(scope="module")
def address(tiny_models: Callable[..., Models]) -> Iterator[str]:
    settings = Settings(port=0, max_characters=5000)
    names = ("reader", "tagger", "classifier", "filler", "t5")
    with serving(application(tiny_models(*names), settings), settings) as found:
        yield found


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as driver:
        arguments = ["--no-sandbox", "--disable-gpu"]
        found = driver.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield found
        found.close()


class Visit:
    """The page as it was opened, and what the browser complained of."""

    def __init__(self, page: Any) -> None:
        self.page, self.complaints = page, list[str]()
        page.set_default_timeout(60_000)
        page.on("console", lambda each: self._note(each.type, each.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _note(self, kind: str, text: str) -> None:
        if kind in ("error", "warning"):
            self.complaints.append(text)

    def ask(self, text: str, question: str) -> Any:
        """Ask; return the panel once something came."""
        self.page.fill("#ask-text", text)
        self.page.fill("#ask-question", question)
        self.page.click("#panel-ask button.main")
        panel = self.page.locator("#panel-ask")
        panel.locator("ol.answers, .wrong:not(:empty)").first.wait_for()
        return panel


@pytest.fixture
def visit(browser: Any, address: str) -> Iterator[Visit]:
    page = browser.new_page(viewport={"width": 320, "height": 700})
    found = Visit(page)
    page.goto(address)
    page.locator("#models", has_text="reader").wait_for()
    yield found
    page.close()


def test_ask_and_where_the_model_looked(visit: Visit, tmp_path: Path) -> None:
    panel = visit.ask(TEXT, "Who built the mill?")
    items = panel.locator("ol.answers > li")
    assert items.nth(0).locator(".answer").inner_text() == "The text does not say."
    found = items.nth(1).locator(".answer").inner_text()
    assert found in TEXT
    assert items.nth(1).locator("mark").inner_text() == found
    assert panel.locator(".passage mark").last.inner_text() == found
    items.nth(1).get_by_role("button").click()
    panel.locator("details summary").wait_for()
    assert items.nth(1).locator("span[title]").count() > len(TEXT.split())
    width = visit.page.evaluate("document.documentElement.scrollWidth")
    assert width <= 320
    for scheme in ("light", "dark"):
        visit.page.emulate_media(color_scheme=scheme)
        visit.page.screenshot(path=tmp_path / f"ask-{scheme}.png", full_page=True)
    assert visit.complaints == []


def test_the_keyboard_suffices(visit: Visit) -> None:
    page = visit.page
    page.focus("#tab-ask")
    for name, text, shown in (
        ("tag", TEXT, ".passage"),
        ("classify", TEXT, "table"),
        ("fill", "the [MASK] is old", "table"),
        ("write", TEXT, ".passage"),
    ):
        page.keyboard.press("ArrowRight")
        assert page.evaluate("document.activeElement.id") == f"tab-{name}"
        page.keyboard.press("Tab")
        page.keyboard.type(text)
        page.keyboard.press("Control+Enter")
        done = f"#panel-{name} .result > *, #panel-{name} .wrong:not(:empty)"
        page.locator(done).first.wait_for(state="attached")
        assert page.locator(f"#panel-{name} .wrong").inner_text() == ""
        assert page.locator(f"#panel-{name} .result").locator(shown).count() == 1
        page.keyboard.press("Shift+Tab")
    page.keyboard.press("Home")
    assert page.evaluate("document.activeElement.id") == "tab-ask"
    assert visit.complaints == []


def test_texts_are_never_html(visit: Visit) -> None:
    text, page = " ".join(HOSTILE), visit.page
    panel = visit.ask(f"Ada said {text} of the mill.", HOSTILE[0])
    assert text in panel.locator(".passage").last.inner_text()
    panel.locator("ol.answers button").first.click()
    panel.locator("details summary").wait_for()
    for name, given in (("tag", text), ("classify", text), ("fill", f"[MASK] {HOSTILE[0]}")):
        page.click(f"#tab-{name}")
        page.fill(f"#{name}-text", given)
        page.click(f"#panel-{name} button.main")
        page.locator(f"#panel-{name} .result > *").first.wait_for()
    assert page.title() == "headwater" and len(HOSTILE) == 30
    strange = "img, iframe, svg, script, object, embed, base, video, math, marquee"
    assert page.locator(",".join(f"main {each}" for each in strange.split(", "))).count() == 0
    assert visit.complaints == []


def test_text_from_right_to_left(visit: Visit) -> None:
    text = "עדה בנתה את הטחנה 👩‍👩‍👧 ליד הנהר."
    panel = visit.ask(text, "מי בנה?")
    answer = panel.locator("ol.answers > li .answer").nth(1)
    assert answer.inner_text() in text
    assert answer.evaluate("each => getComputedStyle(each).direction") == "rtl"


def test_what_goes_wrong_is_said(visit: Visit) -> None:
    panel = visit.ask(TEXT, " ")
    assert panel.locator(".wrong").inner_text() == "Give a question first."
    panel = visit.ask("a " * 4000, "Who?")
    assert "8004 characters, and at most 5000 are read" in panel.locator(".wrong").inner_text()
    busy = {"status": 429, "headers": {"Retry-After": "7"}, "body": "{}"}
    visit.page.route("**/ask", lambda route: route.fulfill(**busy))
    assert "Try again in 7 s" in visit.ask(TEXT, "Who?").locator(".wrong").inner_text()
    visit.page.unroute("**/ask")
    visit.page.route("**/ask", lambda route: route.abort())
    assert "cannot be reached" in visit.ask(TEXT, "Who?").locator(".wrong").inner_text()


def test_the_policy(visit: Visit, address: str) -> None:
    answer = visit.page.goto(address)
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy
    assert "NONCE" not in answer.text()
    assert "innerHTML" not in answer.text() and "http:" not in answer.text()
    script = "const made = document.createElement('script'); made.textContent = 'window.ran = 1';"
    blocked = f"() => {{ {script} document.body.append(made); return window.ran === undefined; }}"
    assert visit.page.evaluate(blocked)


@pytest.fixture(scope="module")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The script of axe-core, which npm fetches."""
    npm, folder = shutil.which("npm"), tmp_path_factory.mktemp("axe")
    if npm is None:
        pytest.skip("there is no npm here, by which axe-core comes")
    command = [npm, "pack", "--silent", "axe-core"]
    done = subprocess.run(command, cwd=folder, capture_output=True, timeout=120, check=False)
    if done.returncode:
        pytest.skip("axe-core cannot be fetched")
    [archive] = folder.glob("*.tgz")
    with tarfile.open(archive) as opened:
        script = opened.extractfile("package/axe.min.js")
        assert script is not None
        return script.read().decode()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_is_accessible(visit: Visit, axe: str, scheme: str) -> None:
    page = visit.page
    page.emulate_media(color_scheme=scheme)
    panel = visit.ask(TEXT, "Who built the mill?")
    panel.locator("ol.answers button").first.click()
    panel.locator("details summary").click()
    page.evaluate(axe)
    rules = "{runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']}"
    found = []
    for tab in ("ask", "tag", "classify", "fill", "write"):
        page.click(f"#tab-{tab}")
        done = page.evaluate(f"axe.run(document, {rules})")
        found += [(tab, each["id"], each["nodes"][0]["html"]) for each in done["violations"]]
    assert found == []
