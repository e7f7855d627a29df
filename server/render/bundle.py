"""Loading a bundle and its kits: checked, and warmed up until all hops take equally long."""

from pathlib import Path
from typing import Final

from codec.decoder import StrokeDecoder
from ghostnote.files.bundle import load_manifest
from ghostnote.music.articulations import LANE_OF_NAME
from ghostnote.music.grid import HopEvents, HopHit
from kits.store import playable
from server.render.library import KitLibrary
from server.render.renderer import Renderer

WARM_UP_HOPS: Final = 8


def load_renderer(bundle: Path, *, threads: int = 1, seed: int = 0, provider: str = "cpu") -> Renderer:
    """A renderer for the bundle in a folder with all kits that fit it, warm: its first hop takes as long as any other.

    `seed`: as for Renderer. Raises BundleError, InputError, MissingError.
    """
    manifest = load_manifest(bundle)
    library = KitLibrary(playable(manifest.codec, bundle), manifest.codec)
    library.load()
    decoder = StrokeDecoder(bundle / manifest.graph("decoder").file, threads=threads, provider=provider)
    renderer = Renderer(manifest, decoder, library, seed=seed)
    hit = HopHit(LANE_OF_NAME["kick"], 0, 1.0)
    for _ in range(WARM_UP_HOPS):
        renderer.render([HopEvents((hit,))])
    renderer.reset()
    return renderer
