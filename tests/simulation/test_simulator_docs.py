"""The simulator's page says what the code does."""

from pathlib import Path

import typer.main

from pontlevis.brain.setting import notes
from pontlevis.cli import app
from pontlevis.simulation.engine import EngineModel
from pontlevis.simulation.engine_shape import EngineShape
from pontlevis.simulation.load_shape import LoadShape
from pontlevis.simulation.metrics import FirstTokens, prometheus

PAGE = (Path(__file__).parents[2] / "docs" / "engine-simulator.md").read_text()


def test_every_setting_of_the_engine_is_on_the_page() -> None:
    """By its own name, and with unit, meaning and source in the code."""
    for name in notes(EngineShape):
        assert f"`{name}`" in PAGE
    assert set(notes(LoadShape)) == set(LoadShape.__dataclass_fields__)


def test_every_option_of_the_command_is_on_the_page() -> None:
    """And its help has an example."""
    group = typer.main.get_command(app)
    command = getattr(group, "commands")["engine-sim"]  # noqa: B009 - click's group, untyped here
    for parameter in command.params:
        for option in parameter.opts:
            assert f"`{option}`" in PAGE, option
    assert "Example: `pontlevis engine-sim" in command.help


def test_every_metric_is_on_the_page() -> None:
    """By the name under which it is scraped."""
    text = prometheus(EngineModel(EngineShape(), 0.0), "m", FirstTokens()).decode()
    for line in text.splitlines():
        if line.startswith("# TYPE"):
            assert f"`{line.split()[2]}`" in PAGE
