"""What the clients of hostile clusters call themselves, and whether what they send bears it out."""

from collections.abc import Iterable

from pontlevis.brain.agent import BARE, BROWSERS, HEADLESS, NONE, OTHER, SEVERAL, claims_browser, family
from pontlevis.investigation.archive import Archive
from pontlevis.investigation.phrase import Phrase, phrase
from pontlevis.investigation.result import Agent, Cluster
from pontlevis.investigation.tongue import Tongue
from pontlevis.investigation.tools import tool_of

MOST_AGENTS = 20
"""Names told of one cluster, most acts first."""
MOST_TOLD = 3
_CHROMIUM = BROWSERS - {"Firefox", "Safari", "MSIE", "PhantomJS"}
_WORDS = {NONE: "agent.none", OTHER: "agent.other", SEVERAL: "agent.several"}


def name(archive: Archive, found: list[Cluster]) -> None:
    """Tells each hostile cluster its names, and adds them to its tools. After ``clusters.find``."""
    hostile = {each.id: each for each in found if each.hostile}
    counted: dict[tuple[str, str, str, str], list[float]] = {}
    rows = archive.ask(
        """SELECT f.cluster, d.fingerprint, d.agent, sum(d.acts), count(DISTINCT d.source)
           FROM deeds d JOIN foe f ON f.source = d.source AND f.fingerprint = d.fingerprint
           WHERE d.agent <> '' GROUP BY ALL"""
    )
    for cluster, fingerprint, agent, acts, sources in rows:
        tool = tool_of(int(str(fingerprint)))
        doubt = contradiction(str(agent), tool)
        known = counted.setdefault(
            (str(cluster), str(agent), doubt, tool if doubt == "order" else ""), [0.0, 0.0]
        )
        known[0] += float(str(acts))
        known[1] += float(str(sources))
    for (cluster_id, agent, doubt, tool), (acts, sources) in sorted(
        counted.items(), key=lambda each: (-each[1][0], each[0])
    ):
        of = hostile[cluster_id]
        if len(of.agents) < MOST_AGENTS:
            of.agents.append(Agent(agent.removesuffix(BARE), acts, int(sources), doubt, tool))
    for each in hostile.values():
        each.tools = _tools(each)


def contradiction(agent: str, sends_like: str) -> str:
    """Why a browser's name is not believed, as a text's name; empty where nothing speaks against it, or it is no browser's.

    ``sends_like`` is the client that is known to send its headers in this order; empty where none is.
    """
    if not claims_browser(agent):
        return ""
    if sends_like and (sends_like != "Chromium" or family(agent) not in _CHROMIUM):
        return "order"
    return "bare" if agent.endswith(BARE) else ""


def sentences(cluster: Cluster, tongue: Tongue) -> list[str]:
    """One for each name, the most frequent first; with what speaks against it."""
    return [tongue.say(_said(each)) for each in cluster.agents]


def statements(hostile: Iterable[Cluster]) -> list[tuple[str, Phrase]]:
    """What they call themselves is a fact, that a browser's name hides a script an inference."""
    said: list[tuple[str, Phrase]] = []
    for cluster in hostile:
        plain = [each for each in cluster.agents if not each.contradiction][:MOST_TOLD]
        if plain:
            said.append(
                ("fact", phrase("said.names", cluster=cluster.id, names=[_said(each) for each in plain]))
            )
        said.extend(
            ("inference", phrase("said.disguised", cluster=cluster.id, name=_said(each)))
            for each in [one for one in cluster.agents if one.contradiction][:MOST_TOLD]
        )
    return said


def _said(agent: Agent) -> Phrase:
    if agent.name in _WORDS:
        how = phrase(_WORDS[agent.name])
    else:
        how = phrase("agent.headless" if family(agent.name) in HEADLESS else "agent.named", name=agent.name)
    if not agent.contradiction:
        return phrase("agent.plain", acts=round(agent.acts), sources=agent.sources, how=how)
    doubt = phrase(f"agent.{agent.contradiction}", tool=agent.sends_like)
    return phrase("agent.doubted", acts=round(agent.acts), sources=agent.sources, how=how, doubt=doubt)


def _tools(cluster: Cluster) -> list[str]:
    """By the order of headers, and by names that nothing speaks against; a name says more where both agree."""
    named = [
        each.name
        for each in cluster.agents
        if not each.contradiction and each.name not in _WORDS and not _plain_browser(each.name)
    ][:MOST_TOLD]
    words = {family(each).lower() for each in named}
    return sorted({*(each for each in cluster.tools if each.lower() not in words), *named})


def _plain_browser(agent: str) -> bool:
    return claims_browser(agent) and family(agent) not in HEADLESS
