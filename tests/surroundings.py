"""What the tests take from the machine that runs them, and what they do not; settled before anything else is imported."""

import os
from functools import cache
from pathlib import Path

from httpx import _config
from httpx._transports import default
from hypothesis import HealthCheck, settings

PREFIX = "PONTLEVIS_"
FOR_TESTS = "PONTLEVIS_TEST_"
GIVEN = "PONTLEVIS_DATA"
RECORDED = "PONTLEVIS_TEST_RECORDED"
PATIENCE_S = 120.0
"""How long an answer may take before a test gives up: a busy machine is no fault of ours."""


def settle() -> None:
    """No setting of whoever runs the tests reaches a service, and no time limit fails a test that is only slow."""
    if GIVEN in os.environ:
        # Recorded data for the tests, and a service's data directory for Settings: it is kept under another
        # name, which workers of a parallel run inherit.
        os.environ[RECORDED] = str(Path(os.environ[GIVEN]).absolute())
    for name in list(os.environ):
        if name.startswith(PREFIX) and not name.startswith(FOR_TESTS):
            del os.environ[name]
    patient = _config.DEFAULT_TIMEOUT_CONFIG
    patient.connect = patient.read = patient.write = patient.pool = PATIENCE_S
    # Each client would load the authorities' certificates, 24 ms of a processor; who waits for a service asks often.
    vars(default)["create_ssl_context"] = cache(_config.create_ssl_context)
    # The same examples each time: CI is no place to look for new ones. ``--hypothesis-profile=search`` looks.
    settings.register_profile("search", deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.register_profile("suite", settings.get_profile("search"), derandomize=True, database=None)
    settings.load_profile("suite")


def recorded_data() -> Path | None:
    """The directory of recorded traces and logs that ``PONTLEVIS_DATA`` named, None where it named none."""
    found = os.environ.get(RECORDED)
    return Path(found) if found else None
