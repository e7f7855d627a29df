-- ardour7-lua play_and_record.lua FOLDER SECONDS MIDI_TO AUDIO_LEFT AUDIO_RIGHT: route the tracks of new_session.lua,
-- play from the start while "Sound" records, and print one line "region POSITION LENGTH FRAME_IN_FILE".
local folder, seconds = arg[1], tonumber(arg[2])
assert(AudioEngine:set_backend("JACK", "ardour", ""), "no JACK backend")
assert(load_session(folder, "session"), "no session")
local drums, sound = Session:route_by_name("Drums"), Session:route_by_name("Sound"):to_track()

local function connect(port, other)
	for _ = 1, 20 do
		if port:connect(other) == 0 then
			return
		end
		sleep(0.25)
	end
	error("cannot connect " .. other)
end

connect(drums:output():nth(0), arg[3])
for channel = 0, 1 do
	sound:input():nth(channel):disconnect_all() -- from the device, to which Ardour connects every new track
	connect(sound:input():nth(channel), arg[4 + channel])
end
sound:rec_enable_control():set_value(1, PBD.GroupControlDisposition.NoGroup)
Session:maybe_enable_record(false)
sleep(2)
print("latency out " .. Session:worst_output_latency() .. " in " .. Session:worst_input_latency())
Session:request_roll(ARDOUR.TransportRequestSource.TRS_UI)
while Session:transport_sample() < seconds * Session:nominal_sample_rate() do
	sleep(0.2)
end
Session:request_stop(false, false, ARDOUR.TransportRequestSource.TRS_UI)
sleep(2)
print("xruns " .. Session:get_xrun_count())
for region in sound:playlist():region_list():iter() do
	print("region " .. region:position():samples() .. " " .. region:length():samples() .. " " .. region:start():samples())
end
Session:save_state("")
