"""What a DAW sees: MIDI ports and maps, MIDI clock and transport, OSC in and out."""
