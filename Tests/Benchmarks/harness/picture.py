"""The figures as a small SVG: for each row three groups of bars, wall time, CPU time and memory."""
from xml.sax.saxutils import escape

METRICS = (("wall", "wall time"), ("cpu", "CPU time"), ("memory", "peak memory"))
MARGIN, WIDTH = 24, 900
TOP = 74  # above the first row
COLUMN = (WIDTH - 2 * MARGIN) / len(METRICS)
LABEL, BAR = 58, 100  # the widths of a name and of the longest bar; the rest of a column is for the figure
LINE, THICKNESS = 20, 12
ROW_TITLE, ROW_GAP = 26, 18
FOOT = 40

# The card brings its own ground, so that it can be read wherever it is shown.
STYLE = """
    .card { fill: #ffffff; stroke: #d0d7de }
    text { font: 12px system-ui, -apple-system, "Segoe UI", sans-serif; fill: #1f2328 }
    .title { font-size: 15px; font-weight: 600 }
    .row { font-size: 13px; font-weight: 600 }
    .soft { fill: #59636e }
    .bar { fill: #afb8c1 }
    .ours { fill: #0969da }
    @media (prefers-color-scheme: dark) {
      .card { fill: #0d1117; stroke: #3d444d }
      text { fill: #f0f6fc }
      .soft { fill: #9198a1 }
      .bar { fill: #59636e }
      .ours { fill: #4493f8 }
    }
"""


def draw(results):
    """The SVG's text."""
    rows = results["rows"]
    body, y = [], TOP
    for figures in rows:
        body.append(_text(MARGIN, y, figures["title"], "row"))
        for column, (metric, _) in enumerate(METRICS):
            body += _bars(MARGIN + column * COLUMN, y + ROW_TITLE, figures["tools"], metric)
        y += ROW_TITLE + LINE * len(figures["tools"]) + ROW_GAP
    height = y + FOOT - ROW_GAP
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}" '
        'role="img" aria-labelledby="title description">',
        '  <title id="title">Slipway beside other uploaders</title>',
        f'  <desc id="description">{escape(_description(rows))}</desc>',
        f"  <style>{STYLE}  </style>",
        f'  <rect class="card" x="0.5" y="0.5" width="{WIDTH - 1}" height="{height - 1}" rx="8"/>',
        _text(MARGIN, 28, "Slipway beside other uploaders: shorter is better", "title"),
        *(_text(MARGIN + column * COLUMN, 46, name, "soft") for column, (_, name) in enumerate(METRICS)),
        *body,
        _text(MARGIN, height - 16, _foot(results), "soft"),
        "</svg>", "",
    ])


def _bars(x, y, tools, metric):
    longest = max(costs[metric]["median"] for costs in tools.values()) or 1
    ours = tools["slipway"][metric]["median"]
    for line, (name, costs) in enumerate(tools.items()):
        value = costs[metric]["median"]
        top, base = y + line * LINE - THICKNESS, y + line * LINE - 2
        length = max(1.0, BAR * value / longest)
        kind = "bar ours" if name == "slipway" else "bar"
        yield _text(x, base, name, "")
        yield (f'  <rect class="{kind}" x="{x + LABEL:.1f}" y="{top}" width="{length:.1f}" height="{THICKNESS}" '
               'rx="2"/>')
        told = _amount(metric, value)
        if name != "slipway" and value:
            told += f"  ({ours / value:.2f})"
        yield _text(x + LABEL + length + 6, base, told, "soft")


def _amount(metric, value):
    if metric == "memory":
        return f"{value / (1 << 20):.0f} MiB"
    return f"{value:.2f} s"


def _foot(results):
    machine = results["machine"]
    return (f"In brackets: Slipway's figure divided by this one. {machine['cores']} cores, {machine['date']}, "
            f"medians of {results['runs']} runs, to nginx on the same machine.")


def _description(rows):
    sentences = []
    for figures in rows:
        walls = {name: costs["wall"]["median"] for name, costs in figures["tools"].items()}
        told = ", ".join(f"{name} {_amount('wall', wall)}" for name, wall in walls.items())
        sentences.append(f"{figures['title']}: {told} of wall time.")
    return " ".join(sentences)


def _text(x, y, text, kind):
    attribute = f' class="{kind}"' if kind else ""
    return f'  <text x="{x:.1f}" y="{y:.1f}"{attribute}>{escape(text)}</text>'
