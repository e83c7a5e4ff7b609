"""What an investigation states, and of each sentence what it is: fact, inference, unknown."""

from pontlevis.investigation import agents
from pontlevis.investigation.phrase import Phrase, phrase
from pontlevis.investigation.result import Cluster, Investigation, Statement
from pontlevis.investigation.tongue import Tongue

MOST_CLUSTERS = 10


def statements(made: Investigation, *, earlier: bool, reached: int) -> list[Statement]:
    """In the order in which somebody asks. ``reached``: how many accounts were touched, those not listed as well;
    ``earlier``: whether the evidence goes back further than the time asked for."""
    said: list[Statement] = []
    english = Tongue("en")

    def add(kind: str, what: Phrase) -> None:
        said.append(Statement(kind, english.sentence(what), what))

    sampled, hostile = made.sampled, made.hostile
    add("fact", phrase("said.acts", sampled=sampled, acts=round(made.acts), rows=made.rows))
    for each in hostile[:MOST_CLUSTERS]:
        add("inference", told(each))
    for kind, what in agents.statements(hostile[:MOST_CLUSTERS]):
        add(kind, what)
    if not hostile:
        add("inference", phrase("said.nobody_hostile"))
    if reached:
        add("inference", phrase("said.touched", accounts=reached))
    elif hostile:
        add("fact", phrase("said.untouched"))
    if made.attacked_accounts:
        add("fact", phrase("said.tried", sampled=sampled, accounts=made.attacked_accounts))
    if made.tokens_drained:
        tokens = round(made.tokens_drained)
        if made.cost is None:
            add("fact", phrase("said.drained", sampled=sampled, tokens=tokens))
        else:
            add(
                "fact",
                phrase(
                    "said.drained_cost",
                    sampled=sampled,
                    tokens=tokens,
                    cost=made.cost,
                    currency=made.currency,
                ),
            )
    if made.honest_hit:
        add("fact", phrase("said.honest_hit", users=made.honest_hit))
    else:
        add("fact", phrase("said.honest_spared"))
    if all(asn == 0 for each in hostile for asn, _ in each.networks):
        add("unknown", phrase("said.no_networks"))
    if not any(each.tools for each in hostile):
        add("unknown", phrase("said.no_tools"))
    if not earlier:
        add("unknown", phrase("said.no_earlier"))
    if made.dropped:
        add("unknown", phrase("said.dropped", acts=made.dropped))
    if sampled:
        add("unknown", phrase("said.sampled"))
    if made.pseudonymised:
        add("unknown", phrase("said.pseudonyms"))
    add("unknown", phrase("said.nobody_named"))
    return said


def told(each: Cluster) -> Phrase:
    """Who a cluster is, and why it is held to be hostile."""
    acts = round(each.acts)
    signs: list[str | Phrase] = [*each.grounds]
    tools: list[str | Phrase] = [*each.tools]
    if each.tools:
        return phrase(
            "said.cluster_tools",
            who=each.who,
            acts=acts,
            confidence=each.confidence,
            tools=tools,
            signs=signs,
        )
    return phrase("said.cluster", who=each.who, acts=acts, confidence=each.confidence, signs=signs)


def said(each: Statement, tongue: Tongue) -> str:
    """One statement in words; that of an older version as it was written."""
    return tongue.sentence(each.phrase) if each.phrase.code else each.text
