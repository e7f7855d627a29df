-- ardour7-lua new_session.lua FOLDER RATE: a session with a MIDI track "Drums" and a stereo audio track "Sound".
local folder, rate = arg[1], tonumber(arg[2])
assert(AudioEngine:set_backend("JACK", "ardour", ""), "no JACK backend")
assert(create_session(folder, "session", rate), "no session")
local one, last, normal = ARDOUR.ChanCount(ARDOUR.DataType("midi"), 1), ARDOUR.PresentationInfo.max_order, ARDOUR.TrackMode.Normal
Session:new_midi_track(one, one, true, ARDOUR.PluginInfo(), nil, nil, 1, "Drums", last, normal, true)
Session:new_audio_track(2, 2, nil, 1, "Sound", last, normal, true)
Session:save_state("")
