"""Learning a map in the app: from pad to pad, then pedal, choke and a name."""

from desktop.learning import Learning


def test_learning_goes_from_pad_to_pad_and_a_second_hit_of_the_same_pad_changes_nothing():
    commands = []
    learning = Learning(commands.append)
    learning.take({"ready": "TD-17"})
    assert (learning.port, learning.question) == ("TD-17", "Hit the kick")
    learning.take({"received": 36})
    learning.take({"learned": 36, "articulation": "kick"})
    learning.take({"received": 36})
    assert commands == ["note kick"]
    assert learning.question == "Hit the snare"
    learning.take({"received": 38})
    learning.take({"fault": "note 38 is that of another"})
    assert learning.fault
    learning.go_on()
    assert (commands[-1], learning.step, learning.fault) == ("drop", "snare_rim", "")
    learning.back()
    assert learning.step == "snare"


def test_learning_ends_with_pedal_choke_and_a_name():
    commands = []
    learning = Learning(commands.append)
    while learning.step != "pedal":
        learning.go_on()
    learning.take({"received": 46})
    assert commands[-1] == "drop"
    learning.go_on()
    learning.take({"controller": 4})
    learning.go_on()
    learning.take({"choke": False})
    assert (learning.step, learning.progress) == ("name", 1.0)
    learning.save("my kit")
    learning.take({"saved": "my kit"})
    assert commands[-3:] == ["pedal", "choke", "save my kit"]
    assert learning.learned == {"pedal": "controller 4", "choke": "no aftertouch was received"}
    assert learning.saved == "my kit"
