"""From the values of all runs to rows with a factor and a verdict, and to text."""

import dataclasses
import statistics

from . import shapes

#: bounds: milliseconds, transactions, factors beside the reference, shares of the rate through one map
BATCH_MS = 3
ELEMENT_MS = 1
ELEMENT_TRANSACTIONS = 1
FIREWALL_FACTOR = 400
STATUS_MS = 150
RATE_SHARE = 0.85
RATE_FACTOR = 1.5
MS = 0.001

#: figure of nft_bench, name
KERNEL_FIGURES = (
    ("send_fresh", "batch, sent to acknowledged"),
    ("send_watched", "the same, with our own watch for edits"),
    ("send_listened", "the same, while another program listens to events"),
    ("send_take_over", "taking over a predecessor's table"),
    ("send_element", "changing one element"),
    ("element_transactions", "transactions of that"),
    ("read_back", "reading back"),
    ("run_first", "desired state to verified result, first"),
    ("run_unchanged", "desired state to verified result, unchanged"),
)


@dataclasses.dataclass
class Row:
    """One line of the table; `factor` says how many times better ours is than the reference."""

    name: str
    unit: str
    ours: float = None
    reference: float = None
    is_rate: bool = False
    most: float = None
    least: float = None
    least_factor: float = None
    exact: float = None

    @property
    def factor(self):
        """Above 1: ours is better."""
        if not self.ours or not self.reference:
            return None
        return self.ours / self.reference if self.is_rate else self.reference / self.ours

    def verdicts(self):
        """(text of a bound, whether it is met) of each bound."""
        found = []
        if self.exact is not None:
            found.append((f"= {self.exact:g}", self.ours == self.exact))
        if self.most is not None:
            found.append((f"<= {self.most:g}", self.ours is not None and self.ours <= self.most))
        if self.least is not None:
            found.append((f">= {self.least:g}", self.ours is not None and self.ours >= self.least))
        if self.least_factor is not None:
            found.append((f">= {self.least_factor:g} x",
                          self.factor is not None and self.factor >= self.least_factor))
        return found

    @property
    def met(self):
        """True, False, or None without a bound."""
        verdicts = [is_met for _, is_met in self.verdicts()]
        return all(verdicts) if verdicts else None

    def to_json(self):
        """All of it, as plain data."""
        return dict(dataclasses.asdict(self), factor=self.factor, met=self.met)


def median(values):
    """None without values."""
    return statistics.median(values) if values else None


class Figures:
    """Medians of what was measured: kernel[maps][figure], pods[who][shape name] = list of runs."""

    def __init__(self, kernel, pods):
        self._kernel = kernel
        self._pods = pods

    def kernel(self, maps, figure):
        """Of nft_bench."""
        return median(self._kernel.get(maps, {}).get(figure))

    def pod(self, who, shape, figure, scale=1):
        """Of one program in pods of one shape."""
        found = median([run[figure] for run in self._pods[who].get(shape.name, [])])
        return None if found is None else found / scale

    def runs(self, who, shape):
        """How many there were."""
        return len(self._pods[who].get(shape.name, []))


def _kernel_rows(figures, maps):
    rows = []
    shape = {1000: shapes.THOUSAND, 100: shapes.HUNDRED}.get(maps)
    for figure, name in KERNEL_FIGURES:
        is_count = figure == "element_transactions"
        row = Row(name, "" if is_count else "ms", figures.kernel(maps, figure))
        if shape and figure in ("send_fresh", "run_first"):
            row.reference = figures.pod("reference", shape, "firewall", MS)
        if figure == "send_element":
            row.most = ELEMENT_MS
        if is_count:
            row.exact = ELEMENT_TRANSACTIONS
        if figure == "send_fresh" and maps == shapes.THOUSAND.maps:
            row.most, row.least_factor = BATCH_MS, FIREWALL_FACTOR
        rows.append(row)
    return rows


def _pod_rows(figures):
    rows = []
    for shape in shapes.ALL:
        is_bound = shape.maps == shapes.THOUSAND.maps
        for figure, name, unit, scale in (("status", "files swapped to status", "ms", MS),
                                          ("transactions", "  transactions of that", "", 1)):
            rows.append(Row(f"{shape.title}: {name}" if figure == "status" else name, unit,
                            figures.pod("ours", shape, figure, scale),
                            figures.pod("reference", shape, figure, scale)))
            if is_bound and figure == "status":
                rows[-1].most = STATUS_MS
    return rows


def _rate_rows(figures):
    rows = []
    for shape in shapes.ALL:
        rows.append(Row(f"through {shape.title}", "/s", figures.pod("ours", shape, "rate"),
                        figures.pod("reference", shape, "rate"), is_rate=True))
        if shape == shapes.THOUSAND:
            rows[-1].least_factor = RATE_FACTOR
    for shape in (shapes.THOUSAND, shapes.SERVICES):
        shares = [figures.pod(who, shape, "rate") / figures.pod(who, shapes.ONE, "rate")
                  if figures.runs(who, shape) and figures.runs(who, shapes.ONE) else None
                  for who in ("ours", "reference")]
        rows.append(Row(f"{shape.title}, to that through one map", "", *shares, is_rate=True))
        if shape == shapes.THOUSAND:
            rows[-1].least = RATE_SHARE
    return rows


def sections(figures, sizes):
    """[(title, rows)] of all."""
    made = [(f"Firewall alone, {maps:,} maps", _kernel_rows(figures, maps)) for maps in sizes]
    made.append(("In a pod, status in the Secret of a real API server", _pod_rows(figures)))
    made.append(("New TCP connections through a pod", _rate_rows(figures)))
    return made


def _number(value):
    if value is None:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def table(parts):
    """Text of [(title, rows)]."""
    head = ("", "", "tailboot", "reference", "better by", "bound", "met")
    lines = [head]
    for title, rows in parts:
        lines.append((title,))
        for row in rows:
            verdict = {True: "yes", False: "NO", None: ""}[row.met]
            factor = "" if row.factor is None else f"{row.factor:,.{2 if row.factor < 100 else 0}f} x"
            lines.append((row.name, row.unit, _number(row.ours), _number(row.reference), factor,
                          ", ".join(text for text, _ in row.verdicts()), verdict))
    widths = [max(len(line[i]) for line in lines if len(line) > 1) for i in range(len(head))]
    text = []
    for line in lines:
        if len(line) == 1:
            text.append("\n" + line[0])
            continue
        cells = [c.ljust(w) if i in (0, 1, 5, 6) else c.rjust(w)
                 for i, (c, w) in enumerate(zip(line, widths))]
        text.append("  ".join(cells).rstrip())
    return "\n".join(text) + "\n"
