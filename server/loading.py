"""A bundle made ready to play: loaded, checked, and run until every hop takes as long as any other."""

from typing import Final

from ghostnote.bundle import bundle_folder
from ghostnote.grid import HopEvents
from server.control import Renders
from server.renderer import load_renderer
from server.serve_config import ServeConfig

WARM_UP_HOPS: Final = 40


def load_bundle(config: ServeConfig) -> Renders:
    """The renderer of the bundle that `config` names. Raises BundleError, MissingError, InputError."""
    folder = bundle_folder(config.bundle or None)
    return load_renderer(folder, threads=config.threads, provider=config.provider, beside=True)


def warm_up(renderer: Renders) -> None:
    """Render silence, two hops in one call and then one by one; leaves the renderer as new."""
    renderer.render([HopEvents()] * 2)
    for _ in range(WARM_UP_HOPS):
        renderer.render([HopEvents()])
    renderer.reset()
