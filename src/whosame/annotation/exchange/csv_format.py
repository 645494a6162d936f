"""CSV format: a table with a row an answer, safe to open in a spreadsheet and to save from one."""

import csv
import io
import re
from collections.abc import Sequence

from whosame.annotation.exchange.row import NAMES, AnswerRow, ParsedFile, unknown_columns

# Text that a spreadsheet would compute instead of showing. An apostrophe before it makes it text; text that begins with
# apostrophes gets one more, so that parsing removes exactly what writing added.
FORMULA = re.compile(r"'*[=+\-@\t\r\n＝＋－＠]")
ESCAPED = re.compile(r"'+[=+\-@\t\r\n＝＋－＠]")
DELIMITERS = ",;\t"  # spreadsheets of some countries save semicolons


def write(rows: Sequence[AnswerRow]) -> bytes:
    """Return the answers as CSV: UTF-8, commas, one line of column names."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(NAMES)
    for row in rows:
        table.writerow([cell(getattr(row, name)) for name in NAMES])
    return text.getvalue().encode()


def parse(text: str) -> ParsedFile:
    """Return the rows of a table, and all its problems. Columns may have any order."""
    parsed = ParsedFile()
    first = text.partition("\n")[0]
    delimiter = next((sign for sign in DELIMITERS if sign in first), ",")
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        names = [name.strip() for name in next(rows, [])]
        twice = sorted({name for name in names if names.count(name) > 1})
        wrong = unknown_columns(names) + [f"column {name!r} is there twice" for name in twice]
        if "verdict" not in names:
            wrong.append(f"there is no column 'verdict': the first line names the columns, of {', '.join(NAMES)}")
        if wrong:
            parsed.problems.append(f"line 1: {'; '.join(wrong)}")
            return parsed
        for row in rows:
            where = f"line {rows.line_num}"
            if not any(cell.strip() for cell in row):
                continue
            if len(row) != len(names):
                parsed.problems.append(f"{where}: {len(row)} cells, but there are {len(names)} columns")
                continue
            parsed.add(where, dict(zip(names, map(text_of, row), strict=True)))
    except csv.Error as error:
        parsed.problems.append(f"line {rows.line_num}: not CSV ({error}): is a quotation mark missing?")
    return parsed


def cell(value: object) -> str:
    """Return a value as a cell that a spreadsheet shows and does not compute."""
    if isinstance(value, str):
        return f"'{value}" if FORMULA.match(value) else value
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)


def text_of(cell: str) -> str:
    """Return the text that :func:`cell` made a cell of."""
    return cell[1:] if ESCAPED.match(cell) else cell
