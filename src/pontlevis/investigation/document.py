"""A document of headings, paragraphs, tables and plots, written as Markdown or as one page of HTML."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from pontlevis.investigation.page import head
from pontlevis.investigation.page import table as html_table
from pontlevis.investigation.tongue import Tongue


@dataclass(frozen=True, slots=True)
class Heading:
    text: str
    level: int = 2


@dataclass(frozen=True, slots=True)
class Paragraph:
    text: str


@dataclass(frozen=True, slots=True)
class Bullets:
    items: Sequence[str]


@dataclass(frozen=True, slots=True)
class Table:
    heads: Sequence[str]
    rows: Sequence[Sequence[str]]
    nothing: str
    """What stands there without rows."""


@dataclass(frozen=True, slots=True)
class Plot:
    """``svg`` for the page; Markdown has the sentence ``said`` instead."""

    svg: str
    said: str


Block = Heading | Paragraph | Bullets | Table | Plot


_BREAKING = re.compile(r"[^\S\u00a0\u202f]+")
"""White space at which a line may break; the spaces that keep figures together stay."""


def markdown(blocks: Sequence[Block]) -> str:
    """As Markdown; words of clients cannot become markup."""
    return "\n\n".join(_markdown(each) for each in blocks) + "\n"


def html(title: str, blocks: Sequence[Block], tongue: Tongue) -> str:
    """As one page that needs nothing else."""
    said = "".join(_html(each, tongue) for each in blocks)
    return f"{head(title, tongue.language)}{said}</body></html>\n"


def _markdown(block: Block) -> str:
    if isinstance(block, Heading):
        return f"{'#' * block.level} {_safe(block.text)}"
    if isinstance(block, Paragraph):
        return _safe(block.text)
    if isinstance(block, Bullets):
        return "\n".join(f"- {_safe(each)}" for each in block.items)
    if isinstance(block, Plot):
        return f"*{_safe(block.said)}*"
    if not block.rows:
        return _safe(block.nothing)
    rows = [block.heads, ["---"] * len(block.heads), *block.rows]
    return "\n".join(
        "| " + " | ".join(_safe(cell).replace("|", "\\|") for cell in row) + " |" for row in rows
    )


def _safe(text: str) -> str:
    text = _BREAKING.sub(" ", text).strip()
    for sign in "\\`*_<>[]#":
        text = text.replace(sign, "\\" + sign)
    return text


def _html(block: Block, tongue: Tongue) -> str:
    if isinstance(block, Heading):
        return f"<h{block.level}>{escape(block.text)}</h{block.level}>"
    if isinstance(block, Paragraph):
        return f"<p>{escape(block.text)}</p>"
    if isinstance(block, Bullets):
        return "<ul>" + "".join(f"<li>{escape(each)}</li>" for each in block.items) + "</ul>"
    if isinstance(block, Plot):
        return f"{block.svg}<p class='soft'>{escape(block.said)}</p>"
    return html_table(block.heads, block.rows, block.nothing, tongue)
