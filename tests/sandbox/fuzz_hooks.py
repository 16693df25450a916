"""Hooks of schemathesis, for the run with valid data (see `test_openapi.py`)."""

import schemathesis


def with_plain_integers(value):
    """The same JSON with `1.0` written as `1`: JSON Schema calls both an integer, the sandbox on purpose only one."""
    if isinstance(value, dict):
        return {key: with_plain_integers(held) for key, held in value.items()}
    if isinstance(value, list):
        return [with_plain_integers(held) for held in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


@schemathesis.hook
def before_call(context, case, kwargs):
    case.body = with_plain_integers(case.body)
