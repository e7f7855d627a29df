"""Listens to the JACK output of another program: the sound as the device gets it."""

import contextlib
import time
from typing import Any, Final

import numpy as np

from bridge.midi.jack_ports import jack_ports

OUTPUTS: Final = ":out_"
"""In the names of PortAudio's ports, of whichever client."""


class JackListener:
    """Connects to every audio output that appears after `arm`; a context manager. Raises OSError without JACK."""

    def __init__(self, floor: float) -> None:
        """`floor`: the RMS of a block, full scale = 1, above which there is sound."""
        try:
            import jack

            self._client: Any = jack.Client("Ghostnote smoke", no_start_server=True)
            self._error: type[Exception] = jack.JackError
        except Exception as error:  # jack's own errors and OSError where the library is missing
            raise OSError(f"no JACK: {error}") from None
        self._floor = floor
        self._inputs = [self._client.inports.register(f"in_{n}") for n in (1, 2)]
        self._known = {port.name for port in self._outputs()}
        self.loudest = 0.0
        """RMS of the loudest block since `arm`."""
        self.first: float | None = None
        """`time.time()` of the first block above the floor since `arm`."""

    def __enter__(self) -> "JackListener":
        self._client.set_process_callback(self._process)
        self._client.activate()
        return self

    def __exit__(self, *_: object) -> None:
        self._client.deactivate()
        self._client.close()

    def arm(self) -> None:
        """Reset the measurement."""
        self.loudest, self.first = 0.0, None

    @property
    def wired(self) -> bool:
        """Whether a program's output is connected."""
        try:
            return any(self._client.get_all_connections(port) for port in self._inputs)
        except self._error:  # it is disappearing at this moment
            return True

    def wire(self) -> None:
        """Connect outputs that have appeared; call it often."""
        for port in self._outputs():
            if port.name not in self._known:
                target = self._inputs[0 if port.name.endswith(("0", "left")) else 1]
                with contextlib.suppress(self._error):  # the port is gone, or not quite there yet: next time
                    if not any(one.name == target.name for one in self._client.get_all_connections(port)):
                        self._client.connect(port, target)

    def _outputs(self) -> list[Any]:
        return jack_ports(self._client, OUTPUTS, is_audio=True, is_output=True)

    def _process(self, _frames: int) -> None:
        level = max(float(np.sqrt(np.mean(np.square(port.get_array())))) for port in self._inputs)
        self.loudest = max(self.loudest, level)
        if level > self._floor and self.first is None:
            self.first = time.time()
