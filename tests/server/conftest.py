"""A server to be run in a test."""

from tests.support.serving import serving  # noqa: F401 - a fixture
