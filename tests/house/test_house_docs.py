"""The documentation says what the code does: settings, codes, metrics, commands, links."""

import ast
import re
from pathlib import Path
from urllib.parse import unquote

import pytest
import typer
from typer.core import TyperCommand, TyperGroup, TyperOption

from pontlevis.brain.vocabulary import RefusalCode
from pontlevis.cli import app
from pontlevis.ladder_table import with_table
from pontlevis.reference import settings_page
from pontlevis.web.operator_metrics import METRICS

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([*DOCS.rglob("*.md"), ROOT / "README.md", ROOT / "CHANGELOG.md"])
PRINTS_NO_DATA = {"up", "serve", "engine-sim"}


def commands() -> list[tuple[str, TyperCommand]]:
    """All of them, by their words after ``pontlevis``."""
    found: list[tuple[str, TyperCommand]] = []

    def walk(name: str, command: object) -> None:
        if isinstance(command, TyperGroup):
            for each, inner in command.commands.items():
                walk(f"{name} {each}".strip(), inner)
        elif isinstance(command, TyperCommand):
            found.append((name, command))

    walk("", typer.main.get_command(app))
    return found


COMMANDS = commands()


def text_of_docs() -> str:
    return "\n".join(page.read_text("utf-8") for page in PAGES)


def test_the_settings_page_is_up_to_date() -> None:
    """``python3 tasks.py docs`` writes it."""
    assert (DOCS / "settings.md").read_text("utf-8") == settings_page()


def test_the_ladders_table_is_up_to_date() -> None:
    """``python3 tasks.py docs`` writes it from the code that enforces it."""
    page = (DOCS / "posture.md").read_text("utf-8")
    assert with_table(page) == page


@pytest.mark.parametrize("code", list(RefusalCode))
def test_every_refusal_is_explained(code: RefusalCode) -> None:
    """What happened, and what to do."""
    assert f"| `{code.value}` |" in (DOCS / "refusals.md").read_text("utf-8")


def test_every_error_of_the_accounts_api_is_explained() -> None:
    """All codes that stand in the source of accounts and web."""
    page = (DOCS / "refusals.md").read_text("utf-8")
    codes: set[str] = set()
    for room in ("accounts", "web"):
        for source in (ROOT / "src" / "pontlevis" / room).glob("*.py"):
            for node in ast.walk(ast.parse(source.read_text("utf-8"))):
                if not isinstance(node, ast.Call):
                    continue
                name = node.func.id if isinstance(node.func, ast.Name) else ""
                if name in ("AccountError", "error_answer", "_refusal") and len(node.args) > 1:
                    value = node.args[1]
                    if isinstance(value, ast.Constant) and isinstance(value.value, str):
                        codes.add(value.value)
    assert len(codes) > 15
    assert {code for code in codes if f"`{code}`" not in page} == set()


def test_every_metric_is_explained() -> None:
    """And no other is named."""
    named = set(re.findall(r"`(pontlevis_\w+)`", (DOCS / "metrics.md").read_text("utf-8")))
    assert named == set(METRICS)


@pytest.mark.parametrize(("name", "command"), COMMANDS, ids=[name for name, _ in COMMANDS])
def test_every_command_explains_itself(name: str, command: TyperCommand) -> None:
    """With an example, a word on each option, JSON where the output is data, and a place in the docs."""
    assert f"Example: `pontlevis {name}" in (command.help or "")
    options = [each for each in command.params if isinstance(each, TyperOption)]
    assert all(each.help for each in options), [each.name for each in options if not each.help]
    assert any("--json" in each.opts for each in options) == (name not in PRINTS_NO_DATA)
    assert f"pontlevis {name}" in text_of_docs()


def anchors(page: Path) -> set[str]:
    heads = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    """Files and headings."""
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text("utf-8")):
        if "://" in target:
            continue
        name, _, anchor = unquote(target).partition("#")
        found = (page.parent / name).resolve() if name else page
        assert found.exists(), target
        if anchor:
            assert anchor in anchors(found), target


def test_every_page_is_in_the_index() -> None:
    """Whoever opens docs/ finds it."""
    index = (DOCS / "README.md").read_text("utf-8")
    for page in DOCS.rglob("*.md"):
        name = str(page.relative_to(DOCS))
        assert name == "README.md" or f"]({name})" in index, name


def test_the_readme_has_no_blank_left_to_fill() -> None:
    """Figures were measured and written down."""
    text = (ROOT / "README.md").read_text("utf-8")
    assert re.search(r"@[A-Z]+@", text) is None
