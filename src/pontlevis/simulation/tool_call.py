"""Arguments for a function that the client offers, made up after its JSON schema."""

import msgspec

from pontlevis.simulation.call import Function
from pontlevis.simulation.text import word

BYTES_PER_PIECE = 4  # of the arguments in one token
DEEPEST = 8  # schemas nested deeper get an empty object


def arguments_of(function: Function, seed: int) -> str:
    """JSON text with a value for every property of the schema."""
    return msgspec.json.encode(_object(function.parameters or {}, seed, 0)).decode()


def pieces(arguments: str) -> list[str]:
    """The arguments as an engine streams them, a token at a time."""
    return [arguments[place : place + BYTES_PER_PIECE] for place in range(0, len(arguments), BYTES_PER_PIECE)]


def _object(schema: dict[str, object], seed: int, depth: int) -> dict[str, object]:
    properties = schema.get("properties")
    if not isinstance(properties, dict) or depth >= DEEPEST:
        return {}
    return {
        str(name): _value(about if isinstance(about, dict) else {}, seed + place, depth)
        for place, (name, about) in enumerate(properties.items())
    }


def _value(schema: dict[str, object], seed: int, depth: int) -> object:
    choices = schema.get("enum")
    if isinstance(choices, list) and choices:
        return choices[seed % len(choices)]
    match schema.get("type"):
        case "integer":
            return seed % 100
        case "number":
            return seed % 1000 / 10
        case "boolean":
            return seed % 2 == 0
        case "null":
            return None
        case "array":
            items = schema.get("items")
            return [_value(items if isinstance(items, dict) else {}, seed, depth + 1)]
        case "object":
            return _object(schema, seed, depth + 1)
    return word(seed, 0)
