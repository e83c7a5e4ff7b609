"""``python -m bench``: measures, prints tables of ratios, writes JSON."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from bench.direct import Direct
from bench.envoy import Envoy
from bench.haproxy import HaProxy
from bench.litellm import LiteLlm
from bench.measure import BenchError, Plan, measure
from bench.peer import Peer
from bench.pontlevis import Pontlevis
from bench.portkey import Portkey
from bench.process import CannotStart
from bench.report import as_dict, show
from bench.smg import Smg
from bench.vllm_router import VllmRouter

PEERS: dict[str, type[Peer]] = {
    "direct": Direct,
    "envoy": Envoy,
    "pontlevis": Pontlevis,
    "haproxy": HaProxy,
    "vllm-router": VllmRouter,
    "smg": Smg,
    "portkey": Portkey,
    "litellm": LiteLlm,
}
_PLAN = Plan()


def run(
    peers: Annotated[str, typer.Option(help="Which, with commas between them.")] = ",".join(PEERS),
    rounds: Annotated[
        int, typer.Option(min=1, help="Rounds; each peer has its turn in each.")
    ] = _PLAN.rounds,
    plain: Annotated[int, typer.Option(min=1, help="Plain requests a round.")] = _PLAN.plain,
    streams: Annotated[int, typer.Option(min=1, help="Streams a round, at once.")] = _PLAN.streams,
    chunks: Annotated[int, typer.Option(min=1, help="Events of one stream.")] = _PLAN.chunks,
    large: Annotated[int, typer.Option(min=1, help="Requests with prompts of 200 KB a round.")] = _PLAN.large,
    refused: Annotated[int, typer.Option(min=1, help="Refused requests a round.")] = _PLAN.refused,
    connections: Annotated[int, typer.Option(min=1, help="Requests at once.")] = _PLAN.connections,
    held: Annotated[
        int, typer.Option(min=0, help="Streams held open for their memory; 0 leaves that out.")
    ] = _PLAN.held,
    workers: Annotated[
        int, typer.Option(min=1, help="Measure Pontlevis with so many gateway workers as well, beside one.")
    ] = 1,
    json_file: Annotated[Path | None, typer.Option("--json", help="Where to write all figures.")] = None,
) -> None:
    """Measure the CPU that a plain, a streamed, a large and a refused request take, side by side.

    Peers that are packages are installed in environments of their own under `var/bench`; one that cannot be had is left
    out, and that is said.

    Example: `python -m bench --workers 2 --json var/bench.json`
    """
    console = Console()

    def say(line: str) -> None:
        # What a peer printed before it failed may hold brackets.
        console.log(line, markup=False)

    unknown = [name for name in peers.split(",") if name not in PEERS]
    if unknown:
        raise typer.BadParameter(f"no such peer: {', '.join(unknown)}; there are {', '.join(PEERS)}")
    plan = Plan(rounds, plain, streams, chunks, large, refused, connections, held)
    chosen = [PEERS[name]() for name in peers.split(",")]
    if workers > 1:
        chosen.append(Pontlevis(workers))
    try:
        result = measure(chosen, plan, say)
    except (BenchError, CannotStart) as error:
        console.print(str(error), style="red", markup=False, highlight=False)
        raise typer.Exit(1) from None
    show(result, console)
    if json_file is not None:
        json_file.parent.mkdir(parents=True, exist_ok=True)
        json_file.write_text(json.dumps(as_dict(result), indent=1) + "\n")


if __name__ == "__main__":
    typer.run(run)
