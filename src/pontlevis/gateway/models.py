"""The list of models: what the engines that are up said of theirs, merged."""

from collections.abc import Iterable

import msgspec

from pontlevis.brain.key_scope import KeyScope
from pontlevis.brain.vocabulary import RefusalCode
from pontlevis.gateway.answers import error_body
from pontlevis.gateway.engines import USUAL_TAG, Engine
from pontlevis.gateway.http import Connection
from pontlevis.gateway.wire import MODELS


def answer_models(
    connection: Connection,
    path: str,
    engines: Iterable[Engine],
    reference: bytes,
    scope: KeyScope | None = None,
) -> bool:
    """Answers with the whole list or with one model of it; False where there is no such model, which is answered with
    the header line ``reference``. What the key's scope leaves out is not there.
    """
    models: dict[str, dict[str, object]] = {}
    for engine in engines:
        if engine.up:
            for name, model in engine.models.items():
                if scope is None or scope.permits_model(name):
                    models.setdefault(name, model)
    if path in (MODELS, MODELS + "/"):
        connection.answer(200, msgspec.json.encode({"object": "list", "data": list(models.values())}))
        return True
    name = path.removeprefix(MODELS + "/")
    found = models.get(name) or models.get(name + USUAL_TAG)
    if found is not None:
        connection.answer(200, msgspec.json.encode(found))
        return True
    body = error_body(404, RefusalCode.MODEL_NOT_FOUND, "there is no such model here", "model")
    connection.answer(404, body, reference)
    return False
