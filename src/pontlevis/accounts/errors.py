"""Refusals of the account rooms, in the API's own error shape."""


class AccountError(Exception):
    """A refusal: ``status`` and ``code`` for machines, ``message`` for people."""

    def __init__(
        self, status: int, code: str, message: str, *, param: str | None = None, retry_after_s: float = 0.0
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.param = param
        self.retry_after_s = retry_after_s
