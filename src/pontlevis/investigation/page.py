"""An investigation as one page that needs nothing else."""

from collections.abc import Sequence
from html import escape

from pontlevis.investigation import plots
from pontlevis.investigation.agents import sentences
from pontlevis.investigation.plots import clock
from pontlevis.investigation.result import Cluster, Investigation
from pontlevis.plotting import BANDS, STYLE

MOST_ROWS = 200
MOST_NAMES = 6
MORE_STYLE = """
.kind{display:inline-block;min-width:5.2rem;font-size:.78rem;font-weight:600;text-transform:uppercase;letter-spacing:.03em}
.fact{color:#1b7f5c}.inference{color:#8a6100}.unknown{color:#667}ul.plain{list-style:none;padding:0}ul.plain li{margin:.35rem 0;padding-left:5.6rem;text-indent:-5.6rem}
.cluster{border:1px solid #e4e2dc;background:#fff;border-radius:8px;padding:.6rem .9rem;margin:.6rem 0}.cluster h3{margin:.1rem 0;font-size:1rem}.bad{border-left:4px solid #c0392b}
td,th{overflow-wrap:anywhere}.mono{font-family:ui-monospace,monospace;font-size:.86rem;overflow-wrap:anywhere}table{min-width:34rem}td:first-child{min-width:6.4rem}td:nth-child(2){min-width:7rem}
@media(max-width:600px){ul.plain li{padding-left:0;text-indent:0}.kind{display:block}}
@media(prefers-color-scheme:dark){body{color:#e6e4df;background:#15181b}svg{background:#f7f6f3}.cluster{background:#1c2024;border-color:#333}td,th{border-color:#333}.soft,.unknown{color:#9aa3ab}.fact{color:#5fc49f}.inference{color:#e0b24a}}
"""


def page(made: Investigation) -> str:
    """The page."""
    return (
        head(f"Investigation: {made.subject}")
        + f"<h1>{escape(made.subject)}</h1><p class='soft'>{clock(made.since)} to {clock(made.until)}</p>"
        + body(made)
        + "</body></html>\n"
    )


def head(title: str) -> str:
    """Everything before the page's own words."""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}{MORE_STYLE}</style></head><body>"
    )


def body(made: Investigation) -> str:
    """What the investigation says, without the page around it; also in the console and in the report."""
    others = [each for each in made.clusters if not each.hostile]
    return "".join(
        (
            "<h2>What is known, inferred, unknown</h2>",
            statements(made),
            "<h2>When</h2>",
            plots.acts(made),
            key(),
            _waves(made),
            plots.spans(made),
            f"<h2>Hostile clusters ({len(made.hostile)})</h2>",
            "".join(_cluster(each) for each in made.hostile) or "<p class='soft'>None.</p>",
            f"<details><summary>Everybody else: {len(others)} clusters</summary>{''.join(_cluster(each) for each in others)}</details>"
            if others
            else "",
            f"<h2>Accounts that gave way ({len(made.touched):,})</h2>",
            table(
                ("account", "why", "when"),
                [(each.account_id, each.why, clock(each.at)) for each in made.touched],
                "No log-in and no key of somebody else's succeeded from a hostile cluster.",
            ),
            f"<h2>Accounts attacked ({made.attacked_accounts:,})</h2>",
            table(
                ("account", "tries", "sources", ""),
                [
                    (
                        each.account,
                        f"{each.tries:,.0f}",
                        f"{each.sources:,}",
                        "gave way" if each.gave_way else "",
                    )
                    for each in made.attacked[:50]
                ],
                "No account's password was tried.",
            ),
            "<h2>Keys and tokens</h2>",
            _spent(made),
            table(
                ("key or session", "account", "calls", "tokens", "sources", "first", "last"),
                [
                    (
                        each.credential,
                        each.account,
                        f"{each.requests:,.0f}",
                        f"{each.tokens:,.0f}",
                        f"{each.sources:,}",
                        clock(each.first_at),
                        clock(each.last_at),
                    )
                    for each in made.keys
                ],
                "No hostile cluster used a key.",
            ),
            f"<h2>Honest users hit ({made.honest_hit:,})</h2>",
            table(
                ("account", "turned away", "served", "first", "last"),
                [
                    (
                        each.account,
                        f"{each.refused:,.0f}",
                        f"{each.served:,.0f}",
                        clock(each.first_at),
                        clock(each.last_at),
                    )
                    for each in made.honest
                ],
                "No existing user outside the hostile clusters was turned away.",
            ),
        )
    )


def statements(made: Investigation) -> str:
    """Each sentence with what it is."""
    return (
        "<ul class='plain'>"
        + "".join(
            f"<li><span class='kind {each.kind}'>{each.kind}</span> {escape(each.text)}</li>"
            for each in made.statements
        )
        + "</ul>"
    )


def key() -> str:
    """Which colour is which posture."""
    return (
        "<p class='key soft'>Posture:"
        + "".join(
            f'<span style="background:{color};opacity:.4"></span>{name.replace("_", " ")}'
            for name, color in BANDS.items()
        )
        + "</p>"
    )


def table(heads: Sequence[str], rows: Sequence[Sequence[str]], nothing: str) -> str:
    """Rows of text, or a sentence where there are none."""
    if not rows:
        return f"<p class='soft'>{escape(nothing)}</p>"
    top = "".join(f"<th>{escape(each)}</th>" for each in heads)
    filled = "".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows[:MOST_ROWS]
    )
    more = (
        f"<p class='soft'>and {len(rows) - MOST_ROWS:,} more; the JSON has them.</p>"
        if len(rows) > MOST_ROWS
        else ""
    )
    return (
        f"<div class='scroll'><table><thead><tr>{top}</tr></thead><tbody>{filled}</tbody></table></div>{more}"
    )


def _waves(made: Investigation) -> str:
    rows = [
        (clock(each.since), clock(each.until), f"{each.acts:,.0f}", f"{each.peak_per_s:,.1f}")
        for each in made.waves[:20]
    ]
    return table(("wave from", "to", "acts", "highest, acts/s"), rows, "No wave of hostile acts.")


def _spent(made: Investigation) -> str:
    money = f", {made.cost:,.2f} {escape(made.currency)}" if made.cost is not None else ""
    hint = (
        ""
        if made.cost is not None
        else " <span class='soft'>(set investigation.price_per_million_tokens to see the cost)</span>"
    )
    return f"<p>Calls of hostile clusters that were served asked for <b>{made.tokens_drained:,.0f} tokens{money}</b>.{hint}</p>"


def _cluster(each: Cluster) -> str:
    networks = ", ".join(f"{f'AS{asn}' if asn else 'unknown'} {count:,}" for asn, count in each.networks[:6])
    tools = (
        f"<br>Looks like {escape(' and '.join(each.tools))} (a hint: anybody can send the same)."
        if each.tools
        else ""
    )
    names = (
        f"<ul>{''.join(f'<li>{escape(one)}</li>' for one in sentences(each)[:MOST_NAMES])}</ul>"
        if each.agents
        else ""
    )
    return (
        f"<div class='cluster{' bad' if each.hostile else ''}'><h3>{escape(each.sentence)}</h3>"
        f"<p class='soft'>{escape(each.id)} · confidence {each.confidence:.0%} · {clock(each.first_at)} to {clock(each.last_at)}</p>"
        f"<p>{each.acts:,.0f} acts from {each.prefixes:,} prefixes: {each.guesses:,.0f} wrong passwords, {each.signups:,.0f} sign-ups,"
        f" {each.requests:,.0f} calls, {each.tokens:,.0f} tokens served. Networks: {escape(networks)}; {each.hosted_share:.0%} in data centres or behind VPN exits.{tools}</p>"
        f"{names}<p class='soft'>{escape('; '.join(each.signs)) or 'No sign of hostility.'}</p>"
        f"<p class='mono'>Header fingerprints {escape(' '.join(each.fingerprints[:12]))}{' …' if len(each.fingerprints) > 12 else ''}<br>"
        f"Loudest: {escape(' '.join(each.loudest[:8]))}</p></div>"
    )
