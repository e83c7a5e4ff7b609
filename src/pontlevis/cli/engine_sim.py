"""``pontlevis engine-sim``: a process that behaves like a continuous-batching engine."""

from typing import Annotated

import typer


def command(
    host: Annotated[str, typer.Option("--host", help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65_535, help="Port; 0 takes a free one.")] = 8000,
    slots: Annotated[int, typer.Option("--slots", min=1, help="Requests decoded together.")] = 16,
    prefill_rate: Annotated[
        float, typer.Option("--prefill-rate", min=1, help="Prompt tokens a second.")
    ] = 8_000.0,
    decode_rate: Annotated[
        float, typer.Option("--decode-rate", min=0.1, help="Tokens a second of one request.")
    ] = 40.0,
    total_decode_rate: Annotated[
        float, typer.Option("--total-decode-rate", min=1, help="Tokens a second of all.")
    ] = 1_000.0,
    kv_tokens: Annotated[
        int, typer.Option("--kv-tokens", min=16, help="Tokens the KV-cache holds.")
    ] = 65_536,
    model: Annotated[
        list[str] | None, typer.Option("--model", help="Name of a model it serves; may be repeated.")
    ] = None,
) -> None:
    """Run the engine simulator: answers are made up, overload is real.

    Example: `pontlevis engine-sim --port 8000 --slots 8 --decode-rate 30`
    """
    from pontlevis.simulation.engine import EngineShape
    from pontlevis.simulation.server import run

    run(
        EngineShape(slots, prefill_rate, decode_rate, total_decode_rate, kv_tokens),
        model or ["pontlevis-sim"],
        host,
        port,
    )
