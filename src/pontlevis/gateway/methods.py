"""Which methods the inference API takes, and what is told to who asks for them (RFC 9110, 9.3.2 and 9.3.7)."""

from pontlevis.gateway.wire import ENDPOINTS, MODELS, Endpoint

_CALLED = ("POST",)
_READ = ("GET", "HEAD")
_OF_THE_SERVER = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")

Told = tuple[int, bytes, bytes]


def is_models(path: str) -> bool:
    """Whether it is the list of models or one of them."""
    return path == MODELS or path.startswith(MODELS + "/")


def taken_by(endpoint: Endpoint | None) -> tuple[str, ...]:
    """The methods of an endpoint, or of the models where it is None."""
    return _READ if endpoint is None else _CALLED


def allow(methods: tuple[str, ...]) -> bytes:
    """The header line that names them."""
    return b"allow: %b\r\n" % ", ".join(methods).encode()


def told(path: str) -> Told | None:
    """Status, body and header lines of an answer to OPTIONS; None where nothing is behind the path.

    Without any word about other origins: a browser's page elsewhere gets no answer that it may read, because a
    key in a page is a key that everybody has.
    """
    if path == "*":
        return 200, b"", allow(_OF_THE_SERVER)
    endpoint = ENDPOINTS.get(path)
    if endpoint is None and not is_models(path):
        return None
    return 200, b"", allow((*taken_by(endpoint), "OPTIONS"))
