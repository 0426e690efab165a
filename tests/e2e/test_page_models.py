"""The page's model switch in a real browser, with models whose answers are scripted."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from fake_assistant import FakeAssistant

ADVICE = "For a larger model, start with `--model someone/larger`: 1.0 GB to download once."
SMALL, BROKEN = "HuggingFaceTB/SmolVLM2-256M-Video-Instruct", "models/broken"
pytest.importorskip("playwright", reason="playwright is not installed")
pytestmark = pytest.mark.browser

from page_driver import Serving, visit  # noqa: E402
from playwright.sync_api import Browser, Page, expect  # noqa: E402


class Named(FakeAssistant):
    """A scripted assistant with a name."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.card = {**FakeAssistant.card, "name": name}

    def reply(self, *given: Any, before: Any = (), earlier: Any = (), **options: Any) -> Any:
        return super().reply(*given, **options)

    def close(self) -> None:
        return None


def load(name: str) -> Any:
    if name == BROKEN:
        raise ValueError(f"{name}: it has no weights.")
    return Named(name)


@pytest.fixture
def tab(browser: Browser) -> Iterator[Page]:
    from app.page.kept.sessions import Sessions
    from app.page.models import Models
    from app.page.web.server import build_app

    sessions = Sessions()
    models = Models(load, ["first", SMALL, BROKEN], load("first"), sessions.stop_all)
    serving = Serving(build_app(models, sessions=sessions, advice=ADVICE))
    page = browser.new_page(viewport={"width": 900, "height": 900})
    visit(page, serving)
    yield page
    page.close()
    serving.close()


def test_another_model_is_chosen_and_one_that_cannot_be_loaded_changes_nothing(tab: Page) -> None:
    expect(tab.locator("#chat")).to_contain_text("For a larger model, start with")
    expect(tab.locator("#about")).to_contain_text("first")
    tab.get_by_role("button", name=re.compile("^Model")).click()
    expect(tab.locator("#models")).to_contain_text("0.26 billion parameters")
    tab.get_by_label(SMALL).check()
    tab.get_by_role("button", name="Use this model").click()
    expect(tab.locator("#about")).to_contain_text(SMALL)
    expect(tab.get_by_text("Loaded. The conversation goes on")).to_be_visible()
    tab.get_by_label(BROKEN).check()
    tab.get_by_role("button", name="Use this model").click()
    expect(tab.get_by_text(f"{BROKEN}: it has no weights.")).to_be_visible()
    expect(tab.get_by_label(SMALL)).to_be_checked()
    tab.locator("#composer textarea").fill("Hello?")
    tab.keyboard.press("Enter")
    expect(tab.locator("#chat .facts")).to_have_count(1)
