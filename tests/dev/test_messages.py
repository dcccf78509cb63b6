"""All messages stand in one file, and what matters most of each fits into a line of Airflow's log page."""

from __future__ import annotations

from dev.messages import FILE, LONGEST_LINE, Message, as_text, in_source, messages

SOURCE = '''
"""A docstring is not a message."""
WHERE = "in its list"
MEANING = {404: (NotFound, "The server found nothing at this path")}
log.warning("Connection %s cannot be read (%s)", self._conn_id, type(error).__name__)
raise InvalidInput(f"{name} must be one of {', '.join(known)}, got {value!r}: look {WHERE}")
raise request.failure(OutcomeUnknown, "Gone", reply=reply)
raise error.with_message(f"{error.message}\\nIt may have worked", RunFailed)
raise self.wrong("host", "is not a host name")
raise RunFailed("Over", operation="wait for the end")
x = "short"
help = Field(help="what the form says of a field")
'''


def test_the_file_is_up_to_date() -> None:
    assert as_text(messages()) == FILE.read_text(encoding="utf-8"), "run `make messages`"


def test_the_first_line_says_what_happened_before_it_is_cut() -> None:
    assert [one for one in messages() if one.label != "text" and len(one.first_line) > LONGEST_LINE] == []


def test_what_counts_as_a_message() -> None:
    assert [(one.label, one.text) for one in in_source(SOURCE, "a.py")] == [
        ("text", "in its list"),
        ("NotFound", "The server found nothing at this path"),
        ("warning", "Connection {_conn_id} cannot be read ({__name__})"),
        ("InvalidInput", "{name} must be one of {known}, got {value}: look in its list"),
        ("OutcomeUnknown", "Gone"),
        ("RunFailed", "{message}\nIt may have worked"),
        ("InvalidConnection", "is not a host name"),
        ("RunFailed", "Over"),
    ]


def test_the_file_shows_further_lines_indented() -> None:
    text = as_text([Message("a.py", 1, "RunFailed", "Over\nLook there"), Message("b.py", 2, "info", "Done")])
    assert text.endswith("\n== a.py\nRunFailed: Over\n    Look there\n\n== b.py\ninfo: Done\n")


def test_core_names_no_vendor() -> None:
    names = ("OMFlow", "MyBPM", "BlizWork", "Robusta", "Kiban")
    in_core = [one for one in messages() if one.module.startswith("core/")]
    assert in_core
    assert [one for one in in_core if any(name in one.text for name in names)] == []
