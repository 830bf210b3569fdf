"""What the console's pages of all apps share.

    pages.py    ModelAdmin with lists that stay fast, buttons that do something, export of what is in view
    columns.py  columns of a list: times, durations, states
    words.py    times and durations as people say them; pure
    charts.py   SVG drawn here: bars, strips, sparklines, lanes; pure
    ansi.py     terminal output as pieces of text with classes; pure
    export.py   rows as CSV or JSON, streamed
    fields.py   form fields: JSON within limits
    history.py  the History page of an object: the audit

The site itself, its dashboard and its look are `config.console`.
"""

from errors.console.pages import (
    MOST_COUNTED,
    Call,
    CappedPaginator,
    Deed,
    FactsAdmin,
    HouseAdmin,
    link,
    preformatted,
    pretty_json,
)

__all__ = [
    "MOST_COUNTED",
    "Call",
    "CappedPaginator",
    "Deed",
    "FactsAdmin",
    "HouseAdmin",
    "link",
    "preformatted",
    "pretty_json",
]
