"""The scoreboard: frozen targets, and answers of known quality get their known score."""

from copilot_lib import corpus, scoreboard


def test_targets_are_frozen_and_from_a_held_out_distribution():
    asked = scoreboard.targets()
    assert len(asked) == 60
    assert {target.file.split("/")[0] for target in asked} <= corpus.HELD_OUT
    assert all(target.cursor.line_suffix == "" and target.reference for target in asked)
    assert asked == scoreboard.targets()


def test_answers_of_known_quality_get_their_known_score():
    asked = scoreboard.targets()
    reference = {target.cursor: target.reference for target in asked}
    perfect = scoreboard.score("reference", reference.__getitem__)
    assert (perfect.exact, perfect.stripped, perfect.similarity, perfect.n) == (1, 1, 1, 60)
    padded = scoreboard.score("padded", lambda cursor: reference[cursor] + "  \nand more")
    assert (padded.exact, padded.stripped) == (0, 1)
    empty = scoreboard.score("empty", lambda cursor: "")
    assert (empty.exact, empty.similarity) == (0, 0)


def test_the_table_reads_in_a_terminal_and_on_a_page():
    table = scoreboard.table([scoreboard.Row("<empty>", 0.0, 0.1, 0.5, 60)])
    assert "10.0%" in repr(table)
    assert "&lt;empty&gt;" in table._repr_html_()
