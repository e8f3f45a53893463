"""A provider at which the clients of docs/conformance register."""

from tests.idp.fixtures import provider

__all__ = ["provider"]
