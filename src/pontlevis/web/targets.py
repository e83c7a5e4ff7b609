"""Where a form leads next: never anywhere but to a path of our own."""


def safe_next(target: str) -> str:
    """A path of our own; anything that could lead elsewhere becomes the account page."""
    if (
        not target.startswith("/")
        or target.startswith("//")
        or "\\" in target
        or any(ord(each) < 32 for each in target)
    ):
        return "/account"
    return target[:200]
