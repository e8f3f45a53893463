"""The provider as a command opens it: closed when the command ends, so that what it counted and held is written."""

from __future__ import annotations

import click

from idp import composition
from idp.composition import Provider


def compose() -> Provider:
    """Raises SettingsError for settings that do not fit the data."""
    provider = composition.compose()
    click.get_current_context().call_on_close(provider.close)
    return provider
