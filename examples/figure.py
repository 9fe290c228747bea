"""Draws a learned tree beside its value and that of every single arm, as SVG (Python's standard library only).

    python3 examples/figure.py demo/tree > examples/quickstart.svg
"""

import json
import sys
from html import escape
from pathlib import Path

ROW, LEFT, RIGHT, WIDTH = 30, 470, 640, 960
GREEN, GREY, DARK = "#1b7f5c", "#8a8f98", "#22262e"


def text(x, y, words, size=13, colour=DARK, anchor="start", weight="normal"):
    return (f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" fill="{colour}" text-anchor="{anchor}" '
            f'font-weight="{weight}">{escape(words)}</text>')


def line(x1, y1, x2, y2, colour=GREY, width=1.5):
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}" stroke-width="{width}"/>'


def tree(node, x, y, reach):
    """The node at (x, y), its children `reach` to the sides."""
    if "arm" in node:
        box = f'<rect x="{x - 52}" y="{y - 17}" width="104" height="26" rx="6" fill="{GREEN}"/>'
        return [box, text(x, y, node["arm"], 13, "white", "middle", "bold")]
    parts = []
    for side, child, word in ((-1, "left", "yes"), (1, "right", "no")):
        parts.append(line(x, y + 8, x + side * reach, y + 72))
        parts.append(text(x + side * (reach / 2 + 16), y + 40, word, 11, GREY, "middle"))
        parts += tree(node[child], x + side * reach, y + 90, reach / 2)
    question = f'{node["covariate"]} ≤ {node["threshold"]:.4g}?'
    parts.append(f'<rect x="{x - 68}" y="{y - 17}" width="136" height="26" rx="6" fill="white" stroke="{DARK}"/>')
    parts.append(text(x, y, question, 13, DARK, "middle"))
    return parts


def intervals(rows, top):
    """One row an estimate: name, point and 95% interval on a common scale."""
    low = min(e["interval"][0] for _, e, _ in rows)
    high = max(e["interval"][1] for _, e, _ in rows)
    at = lambda value: RIGHT + (value - low) / (high - low) * (WIDTH - RIGHT - 90)
    parts = []
    for i, (name, estimate, colour) in enumerate(rows):
        y = top + i * ROW
        parts.append(text(RIGHT - 14, y + 4, name, 13, DARK, "end", "bold" if colour == GREEN else "normal"))
        parts.append(line(at(estimate["interval"][0]), y, at(estimate["interval"][1]), y, colour, 3))
        parts.append(f'<circle cx="{at(estimate["estimate"]):.1f}" cy="{y}" r="5" fill="{colour}"/>')
        parts.append(text(at(estimate["interval"][1]) + 10, y + 4, f'{estimate["estimate"]:.3f}', 12, colour))
    return parts


def main(folder):
    rule = json.loads((folder / "rule.json").read_text())
    report = json.loads((folder / "report.json").read_text())
    evaluation = report["evaluation"]
    rows = [("this rule", {"estimate": evaluation["value"], "interval": evaluation["interval"]}, GREEN)]
    for other in evaluation["differences"]:
        if "assigned" in other:
            rows.append((f'all {other["against"]}', other["value"], GREY))
        elif other["against"] == "observed":
            rows.append(("as observed", other["value"], GREY))
    height = max(330, 90 + ROW * len(rows))
    status = report["termination_status"].lower()
    parts = [text(24, 32, f"Learned rule ({status}, certificate {'verified' if report['certificate']['verified'] else 'failed'})", 15,
                  weight="bold"),
             text(LEFT + 60, 32, f'Value on {evaluation["units"]} held-out units, 95% interval', 15, weight="bold")]
    parts += tree(rule["root"], 235, 90, 112) + intervals(rows, 80)
    body = "\n".join(parts)
    print(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="Helvetica, Arial, sans-serif">\n'
          f'<rect width="{WIDTH}" height="{height}" fill="white"/>\n{body}\n</svg>')


if __name__ == "__main__":
    main(Path(sys.argv[1]))
