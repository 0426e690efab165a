"""The documents name lines, files and packages that exist."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
ENCODERS = (ROOT / "docs" / "encoders.md").read_text(encoding="utf-8")
EQUATION = re.compile(r"^\| (.+?) \| \[`(.+?):(\d+)`\]\((.+?)\) \| `(.+)` \|$", re.M)
EQUATIONS = EQUATION.findall(ARCHITECTURE) + EQUATION.findall(ENCODERS)
FILES = re.findall(r"`([a-z_]+/[\w/.]*)`", ARCHITECTURE)
LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)")


def test_the_tables_of_equations_are_read() -> None:
    assert len(EQUATION.findall(ARCHITECTURE)) >= 12
    assert len(EQUATION.findall(ENCODERS)) >= 36


@pytest.mark.parametrize(("equation", "file", "line", "link", "code"), EQUATIONS)
def test_an_equation_is_computed_in_the_line_named(
    equation: str, file: str, line: str, link: str, code: str
) -> None:
    lines = (ROOT / file).read_text(encoding="utf-8").splitlines()
    found = [number for number, text in enumerate(lines, 1) if code in text]
    assert found == [int(line)], f"{equation}: the page names line {line}"
    assert link == f"../{file}#L{line}"


@pytest.mark.parametrize("file", sorted(set(FILES)))
def test_files_named_in_the_architecture_exist(file: str) -> None:
    assert (ROOT / file).exists()


@pytest.mark.parametrize(
    "document",
    [*sorted((ROOT / "docs").glob("*.md")), *sorted(ROOT.glob("*.md"))],
    ids=lambda path: path.name,
)
def test_links_between_documents_lead_somewhere(document: Path) -> None:
    for target in LINK.findall(document.read_text(encoding="utf-8")):
        assert (document.parent / target).exists(), target
