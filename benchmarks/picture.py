"""A picture of the ratios: one bar each, on a scale where 1 is the floor or the peer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from .measuring import Row

_LETTER, _SCALE, _LINE, _WIDEST = 6.6, 240.0, 22, 1.6
_MET, _MISSED, _INK, _FAINT = "#2f7d5b", "#b3452c", "#30343b", "#c9ccd1"


def drawn(rows: Sequence[Row]) -> str:
    """Return an SVG of the rows that have a goal and something they are measured against."""
    shown = [row for row in rows if row.ratios and row.most is not None]
    left = 20 + int(_LETTER * max((len(_label(row)) for row in shown), default=0))
    height = _LINE * len(shown) + 40
    width = left + int(_SCALE * _WIDEST) + 70
    body = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'font-family="system-ui, sans-serif" font-size="12" fill="{_INK}">',
        f'<rect width="{width}" height="{height}" fill="white"/>',
        *(
            part
            for number, row in enumerate(shown)
            for part in _bar(row, left, 24 + number * _LINE)
        ),
        *_line_at_one(left, height),
        "</svg>",
    ]
    return "\n".join(body) + "\n"


def _label(row: Row) -> str:
    return f"{row.what} / {row.against}"


def _bar(row: Row, left: int, top: int) -> Iterable[str]:
    length = min(row.figure, _WIDEST) * _SCALE
    goal = left + min(row.most or 0, _WIDEST) * _SCALE
    label = escape(_label(row))
    yield f'<text x="{left - 8}" y="{top + 12}" text-anchor="end">{label}</text>'
    yield (
        f'<rect x="{left}" y="{top + 2}" width="{length:.1f}" height="14" '
        f'fill="{_MET if row.met else _MISSED}"/>'
    )
    yield f'<path d="M{goal:.1f} {top}v18" stroke="{_INK}" stroke-width="2"/>'
    yield f'<text x="{max(left + length, goal) + 6:.1f}" y="{top + 13}">{row.figure:.2f}</text>'


def _line_at_one(left: int, height: int) -> Iterable[str]:
    at = left + _SCALE
    yield f'<path d="M{at} 18V{height - 12}" stroke="{_FAINT}" stroke-dasharray="3 3"/>'
    yield f'<text x="{at}" y="13" text-anchor="middle">1: floor or peer</text>'
    yield f'<text x="{left - 8}" y="13" text-anchor="end">thick stroke: goal</text>'
