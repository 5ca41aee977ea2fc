"""One table of commands: ids are unique, a key belongs to one command, a person's choice goes first."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from featherseg.session.command_table import CommandTable, plain_key
from featherseg.session.commands import Command


def command(name, key="", menu="Edit"):
    return Command(name, name.title(), key, menu, lambda: None)


def table(overrides=None):
    return CommandTable(
        [command("brush", "B"), command("eraser", "E"), command("fill", "F"), command("about", "", "Help")],
        overrides,
    )


def keys(of):
    return {c.id: of.key(c.id) for c in of}


def test_two_commands_with_one_id_are_refused():
    with pytest.raises(ValueError, match="brush"):
        CommandTable([command("brush"), command("brush")])


def test_default_keys_that_clash_are_named():
    found = CommandTable([command("up", "Ctrl+Shift+U"), command("down", "Shift+Ctrl+U")]).default_clashes()

    assert len(found) == 1
    assert "'Up'" in found[0] and "'Down'" in found[0] and "U" in found[0]
    assert not table().default_clashes()


def test_a_chosen_key_is_taken_from_the_command_that_has_it_by_default_and_comes_back():
    made = table()

    made.set_key("brush", "E")
    assert keys(made) == {"brush": "E", "eraser": "", "fill": "F", "about": ""}

    made.reset("brush")
    assert keys(made) == keys(table())
    assert made.overrides == {}


def test_a_default_that_comes_back_is_taken_from_whoever_chose_it():
    made = table()
    made.set_key("brush", "X")
    made.set_key("fill", "B")

    made.reset("brush")

    assert keys(made) == keys(table())


def test_two_commands_can_change_places():
    made = table()
    made.set_key("brush", "E")
    made.set_key("eraser", "B")

    assert (made.key("brush"), made.key("eraser")) == ("E", "B")


def test_a_key_can_be_taken_away_and_all_come_back_at_once():
    made = table()
    made.set_key("brush", "")
    made.set_key("about", "Ctrl+J")

    assert (made.key("brush"), made.key("about")) == ("", "Ctrl+J")
    made.reset_all()
    assert keys(made) == keys(table())


def test_the_objection_names_who_has_the_key_and_the_held_key_is_nobodys():
    made = table()

    assert "'Eraser'" in made.objection("brush", "E")
    assert "hides the masks" in made.objection("brush", "H")
    assert made.objection("brush", "B") == made.objection("brush", "Ctrl+B") == ""


def test_overrides_of_unknown_commands_are_kept_and_take_no_key():
    made = table({"gone": "B", "fill": "G"})

    assert made.key("brush") == "B"
    made.set_key("brush", "J")
    assert made.overrides["gone"] == "B"


def test_help_is_the_last_menu_and_new_menus_stand_before_it():
    made = CommandTable([command("about", menu="Help"), command("next", menu="Case")])

    assert [title for title, _ in made.menus()][-2:] == ["Case", "Help"]


def test_hints_know_their_command_and_follow_a_change():
    made = table()
    hints, told = made.hints, []
    made.changed.connect(lambda: told.append(hints["brush"]))

    made.set_key("brush", "Q")

    assert told == ["Q"] and hints["brush"].command == "brush"


@given(
    st.lists(
        st.tuples(st.sampled_from(["brush", "eraser", "fill"]), st.sampled_from(["B", "E", "F", "X", ""]))
    )
)
def test_no_two_commands_ever_share_a_key_and_the_last_choice_holds(choices):
    made = table()
    for name, key in choices:
        made.set_key(name, key)
        assert made.key(name) == key
        given_keys = [key for key in keys(made).values() if key]
        assert len(given_keys) == len(set(given_keys))
        assert keys(table(made.overrides)) == keys(made)  # what is kept is enough to begin from again


@pytest.mark.parametrize(
    ("one", "other"), [("Ctrl+Shift+Z", "Shift+Ctrl+z"), ("Ctrl++", "ctrl++"), ("Return", "Enter")]
)
def test_one_key_has_one_spelling(one, other):
    assert plain_key(one) == plain_key(other)
    assert plain_key("Ctrl++") != plain_key("Ctrl+-")
