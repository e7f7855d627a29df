"""The language every part of Ghostnote speaks: articulations, hits, the grid, bundles, errors.

Pure Python and numpy; no threads, no devices, no imports of our other packages.
Conventions: times are seconds (float64), positions in audio are frames (one sample per channel), velocity is 0..1
(1..127 exists only where MIDI bytes are read or written), audio is float32 shaped [frames, channels].
"""
