"""Reports of drills and backtests: listed from one directory, and opened where nothing in them can act."""

import re
from dataclasses import dataclass
from pathlib import Path

import msgspec
from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool

from pontlevis.web.context import WebContext
from pontlevis.web.operator_visitor import GUARDED, Reader
from pontlevis.web.render import SECURITY_HEADERS, render

FOLDER = "reports"
"""In the data directory."""
MOST_LISTED = 200
LONGEST_BYTES = 32 << 20
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,120}\.(html|json|md|png|svg|csv)")
_TYPES = {
    "html": "text/html; charset=utf-8",
    "json": "application/json",
    "md": "text/plain; charset=utf-8",
    "png": "image/png",
    "svg": "image/svg+xml",
    "csv": "text/plain; charset=utf-8",
}
_SANDBOX = "sandbox; default-src 'none'; img-src data:; style-src 'unsafe-inline'; frame-ancestors 'self'; base-uri 'none'"
"""Of a report: no script, no form, no request, an origin of its own; only our page may frame it."""
_FRAMING = SECURITY_HEADERS["content-security-policy"] + "; frame-src 'self'"
FIGURES = (
    "seed", "defence", "existing_goodput_ratio", "existing_ttft_p99_ratio", "finding_s", "posture_s",
    "registration_suspended_s", "reopening_s", "honest_signups_refused", "hostile_requests_at_engine",
    "hostile_accounts_created",
)  # fmt: skip
"""Of a drill's JSON, in the order shown."""
COUNTED = ("findings", "verdicts", "postures", "registration", "decisions")
"""Lists of a backtest's JSON."""


@dataclass(frozen=True, slots=True)
class Report:
    name: str
    kind: str
    """``drill``, ``backtest`` or ``other``; told by the name."""
    bytes: int
    at: float
    """When it was last written, Unix seconds."""


def listed(folder: Path) -> list[Report]:
    """The newest first; what is no plain file, or has another kind of name, is left out."""
    found = []
    try:
        entries = list(folder.iterdir())[:5_000]
    except OSError:
        return []
    for entry in entries:
        if not _NAME.fullmatch(entry.name) or entry.is_symlink() or not entry.is_file():
            continue
        held = entry.stat()
        kind = next((each for each in ("drill", "backtest") if each in entry.name.lower()), "other")
        found.append(Report(entry.name, kind, held.st_size, held.st_mtime))
    return sorted(found, key=lambda each: -each.at)[:MOST_LISTED]


def read(folder: Path, name: str) -> bytes:
    """Raises ``FileNotFoundError`` for whatever is no report in this directory, and for one too large."""
    if not _NAME.fullmatch(name):
        raise FileNotFoundError(name)
    file = folder / name
    if file.is_symlink() or not file.is_file() or file.stat().st_size > LONGEST_BYTES:
        raise FileNotFoundError(name)
    return file.read_bytes()


def figures(data: bytes) -> list[tuple[str, str]]:
    """What a drill's or a backtest's JSON says in a few lines; nothing for any other."""
    try:
        said = msgspec.json.decode(data)
    except msgspec.DecodeError:
        return []
    if not isinstance(said, dict):
        return []
    found = [(name, _word(said[name])) for name in FIGURES if name in said]
    if not found:
        found = [(name, str(len(said[name]))) for name in COUNTED if isinstance(said.get(name), list)]
    return found


def _word(value: object) -> str:
    return "–" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)[:200]


def create_reports_router(context: WebContext) -> APIRouter:
    router = APIRouter(include_in_schema=False)
    folder = context.settings.data / FOLDER

    async def content(name: str) -> bytes:
        try:
            return await run_in_threadpool(read, folder, name)
        except OSError:
            raise HTTPException(404, "there is no such report") from None

    @router.get("/reports")
    async def reports(request: Request, actor: Reader) -> Response:
        values: dict[str, object] = {
            "actor": actor,
            "reports": await run_in_threadpool(listed, folder),
            "folder": str(folder.absolute()),
        }
        return render(request, "operator_reports.html", values)

    @router.get("/reports/{name}")
    async def report(request: Request, actor: Reader, name: str) -> Response:
        data = await content(name)
        kind = name.rpartition(".")[2]
        values: dict[str, object] = {
            "actor": actor,
            "name": name,
            "figures": await run_in_threadpool(figures, data) if kind == "json" else [],
            "framed": kind in ("html", "svg"),
            "picture": kind == "png",
            "text": data[:200_000].decode("utf-8", "replace") if kind in ("md", "csv") else "",
        }
        shown = render(request, "operator_report.html", values)
        shown.headers["content-security-policy"] = _FRAMING
        return shown

    @router.get("/reports/{name}/raw", dependencies=GUARDED)
    async def raw(name: str) -> Response:
        data = await content(name)
        headers = {"content-security-policy": _SANDBOX}
        return Response(data, media_type=_TYPES[name.rpartition(".")[2]], headers=headers)

    return router
