"""An investigation as one page that needs nothing else."""

from collections.abc import Sequence
from html import escape

from pontlevis.investigation import plots
from pontlevis.investigation.agents import sentences
from pontlevis.investigation.result import Cluster, Investigation
from pontlevis.investigation.statements import said
from pontlevis.investigation.told import Told
from pontlevis.investigation.tongue import Original, Tongue
from pontlevis.plotting import BANDS, STYLE

MOST_ROWS = 200
MOST_NAMES = 6
MORE_STYLE = """
.kind{display:inline-block;min-width:5.2rem;font-size:.78rem;font-weight:600;text-transform:uppercase;letter-spacing:.03em}
.fact{color:#1b7f5c}.inference{color:#8a6100}.unknown{color:#667}ul.plain{list-style:none;padding:0}ul.plain li{margin:.35rem 0;padding-left:5.6rem;text-indent:-5.6rem}
.cluster{border:1px solid #e4e2dc;background:#fff;border-radius:8px;padding:.6rem .9rem;margin:.6rem 0}.cluster h3{margin:.1rem 0;font-size:1rem}.bad{border-left:4px solid #c0392b}
td,th{overflow-wrap:break-word}.mono{font-family:ui-monospace,monospace;font-size:.86rem;overflow-wrap:anywhere}table{min-width:34rem}td:first-child{min-width:6.4rem}td:nth-child(2){min-width:7rem}
@media(max-width:600px){ul.plain li{padding-left:0;text-indent:0}.kind{display:block}}
@media(prefers-color-scheme:dark){body{color:#e6e4df;background:#15181b}svg{background:#f7f6f3}.cluster{background:#1c2024;border-color:#333}td,th{border-color:#333}.soft,.unknown{color:#9aa3ab}.fact{color:#5fc49f}.inference{color:#e0b24a}}
"""


def page(made: Investigation, tongue: Tongue | None = None) -> str:
    """The page; in English where no tongue is given."""
    tongue = tongue or Tongue("en")
    return (
        head(tongue("page.title", subject=made.subject), tongue.language)
        + f"<h1>{escape(made.subject)}</h1><p class='soft'>{tongue('page.time', since=made.since, until=made.until)}</p>"
        + body(made, tongue)
        + "</body></html>\n"
    )


def head(title: str, language: str = "en") -> str:
    """Everything before the page's own words."""
    return (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}{MORE_STYLE}</style></head><body>"
    )


def body(made: Investigation, tongue: Tongue) -> str:
    """What the investigation says, without the page around it."""
    others = [each for each in made.clusters if not each.hostile]
    number, told = tongue.number, Told(made, tongue)

    def title(name: str, count: int | None = None) -> str:
        said = tongue(f"page.{name}") if count is None else tongue(f"page.{name}", count=count)
        return f"<h2>{escape(said)}</h2>"

    def when(at: float) -> str:
        return tongue.clock(at, dated=True)

    def grid(heads: str, rows: Sequence[Sequence[str]], nothing: str) -> str:
        names = [tongue(each) if each else "" for each in heads.split(",")]
        return table(names, rows, tongue(nothing), tongue)

    return "".join(
        (
            title("known"),
            statements(made, tongue),
            title("when"),
            plots.acts(made, tongue),
            key(tongue),
            grid(
                "page.wave,page.to,report.acts,page.peak",
                [(when(each.since), when(each.until), number(each.acts), number(each.peak_per_s, 1)) for each in made.waves[:20]],
                "page.no_waves",
            ),
            plots.spans(made, tongue),
            title("clusters", len(made.hostile)),
            "".join(_cluster(each, tongue) for each in made.hostile)
            or f"<p class='soft'>{escape(tongue('report.none'))}</p>",
            f"<details><summary>{escape(tongue('page.others', count=len(others)))}</summary>{''.join(_cluster(each, tongue) for each in others)}</details>"
            if others
            else "",
            title("touched", len(made.touched)),
            grid(
                "report.account,report.why,report.when",
                [(each.account_id, told.why(each), when(each.at)) for each in made.touched],
                "page.no_touched",
            ),
            title("attacked", made.attacked_accounts),
            grid(
                "report.account,page.tries,page.sources,",
                [
                    (each.account, number(each.tries), number(each.sources), tongue("page.gave_way") if each.gave_way else "")
                    for each in made.attacked[:50]
                ],
                "page.no_attacked",
            ),
            title("spent"),
            _spent(made, tongue),
            grid(
                "page.key,report.account,page.calls,page.tokens,page.sources,page.first,page.last",
                [
                    (each.credential, each.account, number(each.requests), number(each.tokens), number(each.sources), when(each.first_at), when(each.last_at))
                    for each in made.keys
                ],
                "page.no_keys",
            ),
            title("honest", made.honest_hit),
            grid(
                "report.account,report.turned,report.well,page.first,page.last",
                [
                    (each.account, number(each.refused), number(each.served), when(each.first_at), when(each.last_at))
                    for each in made.honest
                ],
                "report.affected_none",
            ),
        )
    )  # fmt: skip


def statements(made: Investigation, tongue: Tongue) -> str:
    """Each sentence with what it is."""
    return (
        "<ul class='plain'>"
        + "".join(
            f"<li><span class='kind {each.kind}'>{escape(tongue.named('kind', each.kind))}</span> {escape(said(each, tongue))}</li>"
            for each in made.statements
        )
        + "</ul>"
    )


def key(tongue: Tongue) -> str:
    """Which colour is which posture."""
    return (
        f"<p class='key soft'>{escape(tongue('page.posture'))}"
        + "".join(
            f'<span style="background:{color};opacity:.4"></span>{escape(tongue.named("posture", name))}'
            for name, color in BANDS.items()
        )
        + "</p>"
    )


def table(heads: Sequence[str], rows: Sequence[Sequence[str]], nothing: str, tongue: Tongue) -> str:
    """Rows of text, or a sentence where there are none. Cells of ``Original`` words are marked as English."""
    if not rows:
        return f"<p class='soft'>{escape(nothing)}</p>"
    top = "".join(f"<th>{escape(each)}</th>" for each in heads)
    filled = "".join(
        "<tr>"
        + "".join(
            f"<td{' lang=en' if isinstance(cell, Original) else ''}>{escape(cell)}</td>" for cell in row
        )
        + "</tr>"
        for row in rows[:MOST_ROWS]
    )
    more = (
        f"<p class='soft'>{escape(tongue('page.more', count=len(rows) - MOST_ROWS))}</p>"
        if len(rows) > MOST_ROWS
        else ""
    )
    return (
        f"<div class='scroll'><table><thead><tr>{top}</tr></thead><tbody>{filled}</tbody></table></div>{more}"
    )


def _spent(made: Investigation, tongue: Tongue) -> str:
    tokens = round(made.tokens_drained)
    if made.cost is not None:
        said = tongue("page.drained_cost", tokens=tokens, cost=made.cost, currency=made.currency)
        return f"<p>{escape(said)}</p>"
    return f"<p>{escape(tongue('page.drained', tokens=tokens))} <span class='soft'>{escape(tongue('page.price_hint'))}</span></p>"


def _cluster(each: Cluster, tongue: Tongue) -> str:
    networks = ", ".join(
        f"{f'AS{asn}' if asn else tongue('page.unknown')} {tongue.number(count)}"
        for asn, count in each.networks[:6]
    )
    names = (
        f"<ul>{''.join(f'<li>{escape(one)}</li>' for one in sentences(each, tongue)[:MOST_NAMES])}</ul>"
        if each.agents
        else ""
    )
    did = tongue(
        "page.did", acts=round(each.acts), prefixes=each.prefixes, guesses=round(each.guesses), signups=round(each.signups),
        calls=round(each.requests), tokens=round(each.tokens), networks=networks, hosted=each.hosted_share,
    )  # fmt: skip
    tools = f"<br>{escape(tongue('page.tools', tools=each.tools))}" if each.tools else ""
    who = tongue.say(each.who) if each.who.code else each.sentence
    signs = tongue.joined(each.grounds or each.signs)
    times = tongue("page.time", since=each.first_at, until=each.last_at)
    return (
        f"<div class='cluster{' bad' if each.hostile else ''}'><h3>{escape(who)}</h3>"
        f"<p class='soft'>{escape(each.id)} · {escape(tongue('page.confidence', share=each.confidence))} · {times}</p>"
        f"<p>{escape(did)}{tools}</p>"
        f"{names}<p class='soft'>{escape(signs) or escape(tongue('page.no_sign'))}</p>"
        f"<p class='mono'>{escape(tongue('page.fingerprints'))} {escape(' '.join(each.fingerprints[:12]))}{' …' if len(each.fingerprints) > 12 else ''}<br>"
        f"{escape(tongue('page.loudest'))} {escape(' '.join(each.loudest[:8]))}</p></div>"
    )
