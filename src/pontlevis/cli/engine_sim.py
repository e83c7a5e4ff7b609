"""``pontlevis engine-sim``: a process that behaves like a continuous-batching engine."""

from typing import Annotated

import typer


def command(
    host: Annotated[str, typer.Option("--host", help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option("--port", min=0, max=65_535, help="Port; 0 takes a free one and prints it.")
    ] = 8000,
    slots: Annotated[int, typer.Option("--slots", min=1, help="Requests decoded together.")] = 16,
    prefill_rate: Annotated[
        float, typer.Option("--prefill-rate", min=1, help="Prompt tokens a second, shared by all.")
    ] = 8_000.0,
    decode_rate: Annotated[
        float, typer.Option("--decode-rate", min=0.1, help="Answer tokens a second of one request.")
    ] = 40.0,
    total_decode_rate: Annotated[
        float, typer.Option("--total-decode-rate", min=1, help="Answer tokens a second of all together.")
    ] = 1_000.0,
    kv_tokens: Annotated[
        int, typer.Option("--kv-tokens", min=16, help="Tokens the KV-cache holds.")
    ] = 65_536,
    model: Annotated[
        list[str] | None,
        typer.Option("--model", help="Name of a model it serves; may be repeated (default pontlevis-sim)."),
    ] = None,
    model_delay: Annotated[
        float, typer.Option("--model-delay", min=0, help="Seconds before a request enters the queue.")
    ] = 0.0,
    with_parent: Annotated[
        bool, typer.Option("--with-parent", help="End when the process that started it has ended.")
    ] = False,
) -> None:
    """Run the engine simulator: answers are made up, overload is real.

    It speaks the OpenAI API as vLLM does, with vLLM's metrics at `/metrics` and its totals at `/stats`.

    Example: `pontlevis engine-sim --port 8000 --slots 8 --decode-rate 30`
    """
    from pontlevis.simulation.engine_shape import EngineShape
    from pontlevis.simulation.server import run

    shape = EngineShape(slots, prefill_rate, decode_rate, total_decode_rate, kv_tokens, model_delay)
    try:
        run(shape, model or ["pontlevis-sim"], host, port, with_parent=with_parent)
    except OSError as error:
        typer.echo(f"cannot listen on {host}:{port}: {error.strerror or error}", err=True)
        raise typer.Exit(1) from None
