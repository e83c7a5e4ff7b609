"""Errors of engines, each in the shape that its server gives it, reach the client in the API's."""

import json

import pytest

from pontlevis.gateway.engine_errors import MOST_TEXT, shaped

JSON, TEXT, HTML = b"application/json", b"text/plain; charset=utf-8", b"text/html"


def test_an_error_in_the_apis_shape_is_passed_on_byte_for_byte() -> None:
    """vLLM's, llama.cpp's and a hosted API's own words are theirs."""
    body = (
        b'{"error": {"message":"too long","type":"BadRequestError","param":"input_text","code":400, "n": 1}}'
    )
    fields, said = shaped(400, [(b"content-type", JSON), (b"retry-after", b"3"), (b"x-odd", b"1")], body)
    assert said == body
    assert fields == b"content-type: application/json\r\nretry-after: 3\r\n"


@pytest.mark.parametrize(
    ("status", "kind", "body", "expected"),
    [
        (  # SGLang
            400,
            JSON,
            {"object": "error", "message": "too long", "type": "BadRequestError", "param": None, "code": 400},
            {"message": "too long", "type": "BadRequestError", "param": None, "code": 400},
        ),
        (  # SGLang's checks name its own files, which are nobody's business
            400,
            JSON,
            {
                "object": "error",
                "message": '1 validation error:\n  not a list\n\n  File "/srv/http_server.py", line 1870',
                "type": "Bad Request",
                "param": None,
                "code": 400,
            },
            {
                "message": "1 validation error:\n  not a list",
                "type": "Bad Request",
                "param": None,
                "code": 400,
            },
        ),
        (  # Text Generation Inference
            422,
            JSON,
            {"error": "Input validation error", "error_type": "validation"},
            {
                "message": "Input validation error",
                "type": "validation",
                "param": None,
                "code": None,
                "error_type": "validation",
            },
        ),
        (  # a FastAPI route that is not there: vLLM's embeddings where it serves a model that generates
            404,
            JSON,
            {"detail": "Not Found"},
            {"message": "Not Found", "type": "not_found_error", "param": None, "code": None},
        ),
        (  # FastAPI's own checks
            422,
            JSON,
            {
                "detail": [
                    {"type": "missing", "loc": ["body", "messages"], "msg": "Field required", "input": {}}
                ]
            },
            {
                "message": "body.messages: Field required",
                "type": "invalid_request_error",
                "param": None,
                "code": None,
            },
        ),
        (  # Starlette's last resort
            500,
            TEXT,
            "Internal Server Error",
            {"message": "Internal Server Error", "type": "api_error", "param": None, "code": None},
        ),
        (  # a proxy before the engine
            502,
            HTML,
            "<html><h1>502 Bad Gateway</h1></html>",
            {
                "message": "the engine answered 502 Bad Gateway",
                "type": "api_error",
                "param": None,
                "code": None,
            },
        ),
        (
            400,
            JSON,
            {"error": None},
            {
                "message": "the engine answered 400 Bad Request",
                "type": "invalid_request_error",
                "param": None,
                "code": None,
            },
        ),
        (
            430,
            JSON,
            [],
            {
                "message": "the engine answered 430",
                "type": "invalid_request_error",
                "param": None,
                "code": None,
            },
        ),
        (
            503,
            TEXT,
            "",
            {
                "message": "the engine answered 503 Service Unavailable",
                "type": "service_unavailable_error",
                "param": None,
                "code": None,
            },
        ),
    ],
)
def test_what_an_engine_says_otherwise_is_put_into_it(
    status: int, kind: bytes, body: object, expected: dict[str, object]
) -> None:
    """The official client reads message, type, param and code of any of them."""
    raw = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    fields, said = shaped(status, [(b"content-type", kind)], raw)
    assert json.loads(said) == {"error": expected}
    assert fields == b"content-type: application/json\r\n"


def test_a_text_without_end_is_cut_and_broken_ones_are_read_as_far_as_they_go() -> None:
    """No answer of an engine's makes this fail."""
    message = json.loads(shaped(500, [], b"\xff" + b"x" * 10_000)[1])["error"]["message"]
    assert (len(message), message[:2]) == (MOST_TEXT, "\ufffdx")
    assert json.loads(shaped(500, [], b"[" * 100_000)[1])["error"]["type"] == "api_error"
