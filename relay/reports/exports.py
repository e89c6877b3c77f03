"""Lists of gifts as files for a spreadsheet: CSV as a stream, XLSX row by row; neither holds the list in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime, tzinfo
from decimal import Decimal
from typing import IO

from relay import words
from relay.ledger.lines import Line
from relay.reports.spreadsheets import cell, csv_lines
from relay.status import STATUS_WORDS

Cell = str | int | Decimal
_Reader = Callable[[Line, tzinfo], Cell]


def _time(moment: datetime | None, zone: tzinfo) -> str:
    return words.short_minute(moment, zone) if moment else ""


# Heading left, how a line says it right. Times are the organization's.
COLUMNS: Mapping[str, _Reader] = {
    "number": lambda line, _: line.id,
    "organization": lambda line, _: line.organization,
    "kind": lambda line, _: line.refund_reason or line.kind.value,
    "status": lambda line, _: line.status.value,
    "status in words": lambda line, _: STATUS_WORDS[line.status],
    "why": lambda line, _: line.reason_text,
    "reason code": lambda line, _: line.reason,
    "amount": lambda line, _: line.amount.decimal,
    "currency": lambda line, _: line.amount.currency,
    "donor": lambda line, _: line.donor_name,
    "e-mail": lambda line, _: line.donor_email,
    "fund": lambda line, _: line.fund,
    "paid": lambda line, zone: _time(line.occurred_at, zone),
    "received": lambda line, zone: _time(line.received_at, zone),
    "in Luminate since": lambda line, zone: _time(line.posted_at, zone),
    "time zone": lambda _, zone: str(zone),
    "recorded late": lambda line, _: line.late,
    "to look at": lambda line, _: words.FLAGS.get(line.flag, line.flag),
    "provider": lambda line, _: line.provider,
    "provider's id": lambda line, _: line.provider_transaction_id,
    "provider's id of the gift": lambda line, _: line.parent_transaction_id,
    "confirmation code": lambda line, _: line.confirmation_code,
    "Luminate's transaction id": lambda line, _: line.luminate_transaction_id,
    "same payment as": lambda line, _: "" if line.merged_into is None else line.merged_into,
    "erased": lambda line, _: line.erased.value,
}


def row_of(line: Line, zones: Mapping[str, tzinfo]) -> list[Cell]:
    """One line as cells."""
    zone = zones.get(line.organization, UTC)
    return [read(line, zone) for read in COLUMNS.values()]


def as_csv(lines: Iterable[Line], zones: Mapping[str, tzinfo]) -> Iterator[bytes]:
    """A CSV file piece by piece, with the mark that tells a spreadsheet it is UTF-8."""
    yield "\ufeff".encode()
    for text in csv_lines(tuple(COLUMNS), (row_of(line, zones) for line in lines)):
        yield text.encode("utf-8", "replace")


def to_xlsx(file: IO[bytes], lines: Iterable[Line], zones: Mapping[str, tzinfo]) -> None:
    """Write an XLSX file: texts as texts, numbers as numbers, amounts with their decimals."""
    import xlsxwriter  # noqa: PLC0415 - 2 MB, for whoever exports

    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(file, options) as book:
        sheet, bold, money = book.add_worksheet("gifts"), book.add_format({"bold": True}), book.add_format()
        money.set_num_format("#,##0.00##")
        sheet.freeze_panes(1, 0)
        sheet.write_row(0, 0, list(COLUMNS), bold)
        for place, line in enumerate(lines, 1):
            for column, value in enumerate(row_of(line, zones)):
                if isinstance(value, str):
                    sheet.write_string(place, column, str(cell(value)))
                else:
                    sheet.write_number(place, column, value, money if isinstance(value, Decimal) else None)
