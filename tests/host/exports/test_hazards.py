"""Why a ground system asks the operator to confirm a telecommand."""

from dorn.dictionary import Dictionary
from dorn.exports import hazards

dictionary = Dictionary.load()
ARM = "function arm in the preceding 10 s"


def test_the_reason_names_the_condition_and_what_is_required():
    of_commands = {name: hazards.of_command(layout) for name, layout in dictionary.commands.items()}
    carried = "the telecommand in it is released later, without another confirmation"
    assert {name: why for name, why in of_commands.items() if why} == {
        "load_memory": f"must be armed: {ARM}",
        "set_time": f"must be armed if more than 86400 s ahead: {ARM}",
        "insert_activity": carried,
        "add_action": carried,
    }
    of_functions = {name: hazards.of_function(function) for name, function in dictionary.functions.items()}
    assert {why for why in of_functions.values() if why} == {f"must be armed: {ARM}"}


def test_the_dictionary_says_it_in_the_same_words():
    """Otherwise the reason would lack a condition."""
    texts = [command.refused["not_armed"] for command in dictionary.commands.values() if "not_armed" in command.refused]
    assert texts
    for text in texts:
        assert text == f"no {hazards.ARMED}" or text.endswith(f" without {hazards.ARMED}")
