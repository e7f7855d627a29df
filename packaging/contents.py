"""What belongs into the packaged program and what does not; build.spec asks, the tests check."""

import re
from collections.abc import Iterable
from importlib.metadata import Distribution, distribution, packages_distributions
from pathlib import Path
from typing import Final

Entry = tuple[str, str, str]
"""PyInstaller's: name in the program, file here, kind."""

EXCLUDED: Final = (
    "torch", "torchaudio", "torchvision", "encodec", "lightning_fabric", "safetensors", "tensorboard", "onnx",
    "onnxscript", "scipy", "sklearn", "mir_eval", "matplotlib", "pyloudnorm", "ai_edge_litert", "pretty_midi",
    "fluidsynth", "training", "export", "evaluation", "studies", "listening", "tests", "benchmarks", "pytest",
    "hypothesis", "selenium",
    "PIL", "pandas", "numba", "sympy", "IPython", "tkinter", "numpy.f2py", "setuptools", "pip", "PyInstaller",
    "ssl", "_ssl", "readline", "pydoc_data", "pydantic.v1", "pydantic.mypy",
)  # fmt: skip
"""Modules that no part of the packaged program may need: for training, measuring, tests, building, TLS, help texts."""

_UNUSED: Final = re.compile(
    r"""(?x)
    translations/ | qml/
    | (lib)?Qt6?(Qml|Quick|VirtualKeyboard|Pdf|Designer|Test|Sql|Concurrent|Help|PrintSupport|Egl|OpenGL)
    | plugins/(tls|networkinformation|virtualkeyboard|egldeviceintegrations|generic|sqldrivers|printsupport)/
    | plugins/wayland-graphics-integration-client/
    | plugins/platformthemes/libqgtk3
    | plugins/platforminputcontexts/\w*virtualkeyboard
    | plugins/imageformats/\w*(pdf|tiff|webp|jp2|tga|wbmp|icns|jpeg|gif)
    | plugins/platforms/\w*(eglfs|linuxfb|vnc|vkkhrdisplay|minimalegl|direct2d)
    | opengl32sw\.dll
    """
)
"""Parts of Qt that PyInstaller collects and the window does not use."""

_GTK: Final = re.compile(
    r"lib(gtk|gdk|gdk_pixbuf|atk|atk-bridge|atspi|cairo|cairo-gobject|pango\w*|pixman|epoxy|thai|datrie|fribidi|harfbuzz"
    r"|graphite2|Xcomposite|Xcursor|Xdamage|Xinerama|Xrandr|Xi|Xfixes|jpeg|gio|gobject|gmodule|mount|blkid|selinux"
    r")-?[\d.]*\.so"
)
"""What only Qt's plug-in for GTK's looks needs, which the window, having its own, does without."""

_OF_GLIBC: Final = re.compile(r"libmvec\.so")
"""Must be the system's, as all of glibc."""

_TLS: Final = re.compile(r"libssl[-.\d]")
"""Nothing here speaks to servers that encrypt."""

_TO_BUILD: Final = re.compile(r"presets/bundles/[^/]+/snapshot\.npz")
"""What an exported bundle is checked against where it is made; nothing that runs reads it."""

_OTHERS: Final = re.compile(r"pygments\.lexers\.(?!_mapping)|numpy/_core/_\w+_tests\.")
"""Colours for some hundred programming languages, of which nothing is shown; and NumPy's tests of itself."""

FALLBACK: Final = ("libportaudio.so.2", "libasound.so.2", "libjack.so.0", "libdb-5.3.so")
"""Linux: libraries that must be the system's own where it has them, because they speak with its sound servers."""


_LICENCE_FILE: Final = re.compile(r"(?i)(licen[cs]e|copying|notice)[^/]*(?<!\.py)(?<!\.pyc)$")


def is_wanted(entry: Entry) -> bool:
    """Whether a collected file or module is to be kept: it is used, and not better taken from the system."""
    name = entry[0].replace("\\", "/")
    is_qt = "PySide6/" in name or "Qt" in name or name.endswith("opengl32sw.dll")
    unused = is_qt and _UNUSED.search(name)
    others = (_GTK, _OF_GLIBC, _TLS, _TO_BUILD, _OTHERS)
    return not unused and name not in FALLBACK and not any(pattern.match(name) for pattern in others)


def is_strippable(entry: Entry) -> bool:
    """Whether a collected file may carry symbols to be stripped: Python, its standard library, Qt's ICU.

    Not NumPy's: its libraries do not load any more once they have been stripped.
    """
    name = entry[0].replace("\\", "/")
    ours = name.startswith(("libpython", "python3")) or Path(name).name.startswith(("libicui18n", "libicuuc"))
    return ours and ".so" in name and entry[2] != "SYMLINK"


def slipped_in(entries: Iterable[Entry]) -> list[str]:
    """Modules, libraries and files of `EXCLUDED` packages or of CUDA builds of PyTorch, sorted; should be []."""
    found: set[str] = set()
    for name, _, _ in entries:
        parts = name.replace("\\", "/").split("/")
        words = {parts[0], name if len(parts) == 1 else parts[0]}
        library = parts[-1].lower()
        dotted = any(word == no or word.startswith((f"{no}.", f"{no}-")) for word in words for no in EXCLUDED)
        if dotted or library.startswith(("libtorch", "torch_", "c10.", "libc10")):
            found.add(name)
    return sorted(found)


def distributions(modules: Iterable[str]) -> list[Distribution]:
    """The installed packages from which these modules come, each once, sorted by name."""
    known = packages_distributions()
    names = {name for module in modules for name in known.get(module.partition(".")[0], ())}
    return sorted((distribution(name) for name in names), key=lambda one: one.name.lower())


def licence_text(package: Distribution) -> str:
    """Name, version, licence and the licence files that the package brings, as one text."""
    meta = package.metadata
    licence = meta.get("License-Expression") or meta.get("License") or ""
    classes = [line.rpartition(" :: ")[2] for line in meta.get_all("Classifier") or [] if line.startswith("License")]
    parts = [f"{package.name} {package.version}", f"Licence: {licence.strip() or ', '.join(classes) or 'see below'}"]
    if page := meta.get("Home-page") or next(iter(meta.get_all("Project-URL") or []), ""):
        parts.append(f"Source: {page.rpartition(' ')[2]}")
    texts = [file for file in package.files or () if _LICENCE_FILE.search(file.as_posix())]
    parts += [Path(str(file.locate())).read_text("utf-8", "replace").strip() for file in texts]
    return "\n\n".join(parts) + "\n"
