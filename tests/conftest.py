"""What tests share: where the optional data lies."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

from tests.support.paths import ROOT


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """Folder with `groove`, `kits`, `backing`, `eval`; where it is absent the tests that need it say so and skip."""
    path = Path(os.environ.get("GHOSTNOTE_DATA", ROOT.parent / "shared" / "data"))
    if not path.is_dir():
        pytest.skip(f"needs the project data: no folder {path} (set GHOSTNOTE_DATA)")
    return path


settings.register_profile("ghostnote", deadline=None)
settings.load_profile("ghostnote")
