"""A kit for DrumGizmo with one click, so that its latency is measured like ours, without a drum's attack."""

from pathlib import Path

import numpy as np
import soundfile

KIT = """<?xml version="1.0" encoding="UTF-8"?>
<drumkit name="click" description="" samplerate="48000">
 <channels><channel name="left"/><channel name="right"/></channels>
 <instruments><instrument name="click" file="click.xml">
  <channelmap in="left" out="left"/><channelmap in="right" out="right"/>
 </instrument></instruments>
</drumkit>
"""
INSTRUMENT = """<?xml version="1.0" encoding="UTF-8"?>
<instrument version="2.0" name="click">
 <samples><sample name="click" power="1">
  <audiofile channel="left" file="click.wav" filechannel="1"/>
  <audiofile channel="right" file="click.wav" filechannel="2"/>
 </sample></samples>
</instrument>
"""
NOTES = """<?xml version="1.0" encoding="UTF-8"?>
<midimap><map note="36" instr="click"/></midimap>
"""


def write_click_kit(folder: Path) -> tuple[Path, Path]:
    """Write the kit for 48 kHz into `folder`; its file and that of its note map."""
    click = np.zeros((480, 2), np.float32)
    click[0] = 0.8
    soundfile.write(folder / "click.wav", click, 48000, "FLOAT")
    for name, text in (("kit.xml", KIT), ("click.xml", INSTRUMENT), ("notes.xml", NOTES)):
        (folder / name).write_text(text, encoding="utf-8")
    return folder / "kit.xml", folder / "notes.xml"
