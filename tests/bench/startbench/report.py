"""From the values of all runs to rows with a ratio and a verdict, and to text."""

import dataclasses
import statistics

MIB = 1024 * 1024
#: resident and anonymous memory, ratio to the reference, by number of peers
MEMORY_RATIO = {10: 0.65, 10_000: 0.19, 40_000: 0.065}
START_RATIO = 0.25
CPU_RATIO = 0.25
#: below this many peers processor time is that of starting a process
CPU_PEERS_LEAST = 10_000
API_REQUESTS_MOST = 6
STRIPPED_MOST = 1_000_000
GROWTH_MOST = MIB // 4

#: member of a run's result (a dot goes deeper), name, unit of the table, its size
FIGURES = (
    ("memory.resident", "resident memory", "MiB", MIB),
    ("memory.anonymous", "anonymous memory", "MiB", MIB),
    ("memory_after_changes.resident", "resident, after the changes", "MiB", MIB),
    ("start", "exec to Startup complete", "ms", 0.001),
    ("cpu", "processor time with changes", "ms", 0.001),
    ("api_requests", "API requests until start-up", "", 1),
    ("stop", "SIGTERM to exit", "ms", 0.001),
)


@dataclasses.dataclass
class Row:
    """One line of the table. `limit` is of the ratio unless `is_absolute`; None: no target."""

    name: str
    unit: str
    ours: float
    reference: float = None
    limit: float = None
    is_absolute: bool = False

    @property
    def ratio(self):
        """Ours to the reference's."""
        return self.ours / self.reference if self.reference else None

    @property
    def met(self):
        """True, False, or None without a target."""
        if self.limit is None:
            return None
        return (self.ours if self.is_absolute else self.ratio) <= self.limit

    def to_json(self):
        """All of it, as plain data."""
        return dict(dataclasses.asdict(self), ratio=self.ratio, met=self.met)


def _pick(result, member):
    for name in member.split("."):
        result = result[name]
    return result


def medians(results):
    """Median, least and greatest value of each figure."""
    made = {}
    for member, _, _, _ in FIGURES:
        values = [_pick(r, member) for r in results]
        made[member] = {"median": statistics.median(values), "min": min(values),
                        "max": max(values), "values": values}
    return made


def _limit(member, peers):
    """(limit, is it absolute) of one figure."""
    if member in ("memory.resident", "memory.anonymous"):
        return MEMORY_RATIO.get(peers), False
    if member == "start":
        return START_RATIO, False
    if member == "cpu":
        return (CPU_RATIO if peers >= CPU_PEERS_LEAST else None), False
    if member == "api_requests":
        return API_REQUESTS_MOST, True
    return None, False


def rows_of_size(peers, ours, reference):
    """The rows of one size from the medians of both programs."""
    rows = []
    for member, name, unit, scale in FIGURES:
        limit, is_absolute = _limit(member, peers)
        rows.append(Row(name, unit, ours[member]["median"] / scale,
                        reference[member]["median"] / scale, limit, is_absolute))
    return rows


def rows_of_all(found, sizes, ours_size, reference_size):
    """The rows that are not of one size: growth and the file."""
    rows = []
    least, most = min(sizes), max(sizes)
    if least != most:
        grown = {who: (found[most][who]["memory.resident"]["median"]
                       - found[least][who]["memory.resident"]["median"]) / MIB
                 for who in ("ours", "reference")}
        rows.append(Row(f"growth of resident, {least:,} to {most:,} peers", "MiB", grown["ours"],
                        grown["reference"], GROWTH_MOST / MIB, True))
    rows.append(Row("stripped program", "MB", ours_size / 1e6, reference_size / 1e6,
                    STRIPPED_MOST / 1e6, True))
    return rows


def _number(value):
    if value is None:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}" if value else "0"


def _target(row):
    if row.limit is None:
        return ""
    limit = f"{row.limit:g}"
    return f"<= {limit} {row.unit}".rstrip() if row.is_absolute else f"ratio <= {limit}"


def table(sections):
    """Text of [(title, rows)]."""
    head = ("", "", "tailboot", "reference", "ratio", "target", "met")
    lines = []
    for title, rows in sections:
        lines.append(("# " + title,) + ("",) * 6)
        for row in rows:
            ratio = "-" if row.ratio is None else f"{row.ratio:.3f}"
            met = {True: "yes", False: "NO", None: ""}[row.met]
            lines.append((row.name, row.unit, _number(row.ours), _number(row.reference), ratio,
                          _target(row), met))
    rows = [head, *lines]
    widths = [max(len(r[i]) for r in rows if not r[0].startswith("#") or i) for i in range(7)]
    text = []
    for row in rows:
        if row[0].startswith("#"):
            text.append("\n" + row[0][2:])
            continue
        cells = [c.ljust(w) if i in (0, 1, 5, 6) else c.rjust(w)
                 for i, (c, w) in enumerate(zip(row, widths))]
        text.append("  ".join(cells).rstrip())
    return "\n".join(text) + "\n"
