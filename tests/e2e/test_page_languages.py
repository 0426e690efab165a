"""The page in German, walked through in a real browser: nothing of its own stays in English."""

from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("playwright", reason="playwright is not installed")
pytestmark = pytest.mark.browser

from page_driver import Server, ask, finished, visit  # noqa: E402
from playwright.sync_api import Browser, Page, expect  # noqa: E402
from waiting import until  # noqa: E402

# Texts and names of the page's own elements that are no German text of the table. Found by the
# page's translator with the columns exchanged.
IN_ENGLISH = r"""async () => {
  const { translator, isOwn } = await import("./page/language.js");
  const table = await (await fetch("page/texts.json")).json(), german = {};
  for (const [english, [text]] of Object.entries(table)) {
    const holes = [...english.matchAll(/\{([#*]?)(\d)\}/g)];
    const kinds = new Map(holes.map(([, kind, at]) => [at, kind]));
    german[text.replace(/\{(\d)\}/g, (_, at) => `{${kinds.get(at)}${at}}`)] = [english];
  }
  const known = translator(german, 0, "en"), found = new Set();
  const look = (element, text) => {
    const isText = /[A-Za-z]{2}/.test(text) && isOwn(element);
    if (isText && known(text) === null) found.add(text.trim());
  };
  for (const element of document.body.querySelectorAll("*")) {
    if (element.closest("script, style, textarea, [id^=do-]")) continue;
    for (const node of element.childNodes) {
      if (node.nodeType === Node.TEXT_NODE) look(element, node.data);
    }
    for (const name of ["title", "aria-label", "placeholder", "alt"]) {
      look(element, element.getAttribute(name) ?? "");
    }
  }
  return [...found];
}"""
# The product's and the test model's own words, and what Gradio has in German.
NAMES = {
    *("Revisit", "Test model", "It has never seen a picture."),
    *("nothing; it only repeats the question.", "Laden Sie ein Bild hier ab, um es hochzuladen."),
}


@pytest.fixture
def german(page_server: Server, browser: Browser) -> Iterator[Page]:
    context = browser.new_context(locale="de-DE", viewport={"width": 1280, "height": 900})
    tab = context.new_page()
    visit(tab, page_server)
    yield tab
    context.close()


def in_german(page: Page) -> None:
    """Waits for the translation of the latest change, after which nothing is left in English."""
    left: set[str] = set()

    def all_is_german() -> bool:
        left.clear()
        left.update(set(page.evaluate(IN_ENGLISH)) - NAMES)
        return not left

    until(all_is_german, what=left)


def test_no_text_of_the_page_stays_in_english(german: Page, clip: Path, photo: Path) -> None:
    page = german
    in_german(page)
    page.get_by_role("button", name="Einstellungen").click()
    page.get_by_role("button", name="Kamera").click()
    for tab in ("Film", "Live"):
        page.get_by_role("tab", name=tab).click()
        in_german(page)
    page.get_by_role("button", name="Kamera live").click()
    expect(page.locator("#live [role=status]")).to_contain_text("die letzten 2 bleiben")
    in_german(page)
    page.locator("#live").get_by_role("button", name="Stopp").click()
    ask(page, "read it at 0:01", clip, photo)
    finished(page)
    expect(page.locator("#chat .strip figcaption").first).to_contain_text("8 Bilder aus clip.mp4")
    in_german(page)
    page.locator("#chat .suggestions button", has_text="Welche Farbe hat der Bus?").click()
    finished(page, 2)
    expect(page.locator("#chat strong").last).to_have_text("What color is the bus?")
    page.get_by_label("Mehr für").first.click()
    in_german(page)
    page.get_by_role("menuitem", name="Löschen").click()
    expect(page.locator("#toast")).to_contain_text("Chat gelöscht.")
    in_german(page)


def test_errors_and_notes_are_in_german(german: Page, photo: Path, tmp_path: Path) -> None:
    page, error = german, german.locator("#chat .error").last
    ask(page, "look again")
    expect(error).to_contain_text("Es gibt kein Bild")
    (tmp_path / "empty.pdf").write_bytes(b"%PDF-1.7\nnothing")
    ask(page, "What?", tmp_path / "empty.pdf")
    expect(error).to_contain_text('"empty.pdf" beginnt wie ein PDF-Dokument')
    expect(error).to_contain_text("Es wurde aus deiner Frage entfernt.")
    in_german(page)
    ask(page, "break")
    expect(error).to_contain_text("Interner Fehler")
    ask(page, "What?", photo)
    finished(page)
    page.get_by_role("button", name="Noch einmal hinsehen").click()
    expect(page.locator("#chat .facts")).to_contain_text("Mit 1 Blick mehr als zuerst gesehen.")
    in_german(page)
