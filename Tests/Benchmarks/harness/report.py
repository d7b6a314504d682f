"""What was measured, as a value for JSON and as a table for people."""
import datetime
import os
import re
import subprocess

from .rows import GIB, by_name

LARGE = 1 << 20  # bytes: up to here CPU time is told a file, above it a GiB
METRICS = ("wall", "cpu", "memory")
BASES = ("s5cmd", "floor")  # what ratios are told to
MIB = 1 << 20
IN_MEMORY = ("tmpfs", "ramfs")  # file systems


def describe_machine(memory, disk):
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        model = re.search(r"^model name\s*: (.*)$", file.read(), re.MULTILINE)
    return {
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d"),
        "processor": model[1] if model else os.uname().machine, "cores": len(os.sched_getaffinity(0)),
        "kernel": os.uname().release, "load": round(os.getloadavg()[0], 2),
        "memory": _file_system(memory), "disk": _file_system(disk),
    }


def _file_system(path):
    found = subprocess.run(
        ["findmnt", "-n", "-o", "FSTYPE", "-T", path], capture_output=True, text=True, check=False).stdout
    return found.splitlines()[-1].strip() if found else "unknown"


def notes(machine):
    """What makes the figures worth less."""
    if machine["load"] > 0.5:
        yield f"the machine is busy (load {machine['load']}): the figures are those of everything that runs on it"
    if machine["memory"] not in IN_MEMORY:
        yield f"the files lie on {machine['memory']}, not in memory: name a directory in memory with --memory"


def ratio(figures, metric, name, base):
    """None where `base` was not measured, or has no figure."""
    if base not in figures or not figures[base][metric]["median"]:
        return None
    return figures[name][metric]["median"] / figures[base][metric]["median"]


def heading(results):
    tools = ", ".join(f"{name} {version}" for name, version in results["versions"].items())
    return f"{machine_line(results['machine'])}; medians of {results['runs']} runs\n{tools}\n"


def machine_line(machine):
    return f"{machine['date']}, {machine['cores']} cores of {machine['processor']}, Linux {machine['kernel']}"


def table(figures):
    """One row's table, in Markdown."""
    tools = figures["tools"]
    is_small = figures["bytes"] <= LARGE * figures["files"]
    bases = [base for base in BASES if base in tools]
    header = ["", "wall", "CPU", "CPU a file" if is_small else "CPU a GiB", "memory"]
    header += [f"{metric} / {base}" for base in bases for metric in ("wall", "CPU", "memory")]
    lines = [header, ["---"] + ["--:"] * (len(header) - 1)]
    for name, costs in tools.items():
        cpu = costs["cpu"]["median"]
        unit = f"{cpu / figures['files'] * 1e6:.0f} µs" if is_small else f"{cpu / figures['bytes'] * GIB:.2f} s"
        line = [name, f"{costs['wall']['median']:.2f} s", f"{cpu:.2f} s", unit,
                f"{costs['memory']['median'] / MIB:.1f} MiB"]
        ratios = (ratio(tools, metric, name, base) for base in bases for metric in METRICS)
        lines.append(line + ["–" if value is None else f"{value:.2f}" for value in ratios])
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    text = f"**{figures['row']}**: {figures['title']}\n\n"
    for line in lines:
        cells = (cell.ljust(width) if column == 0 else cell.rjust(width)
                 for column, (cell, width) in enumerate(zip(line, widths)))
        text += "| " + " | ".join(cells) + " |\n"
    return text + "".join(_aims(figures))


def _aims(figures):
    row = by_name().get(figures["row"])
    for aim in row.aims if row else ():
        value = ratio(figures["tools"], aim.metric, "slipway", aim.beside)
        if value is not None:
            verdict = "reached" if value <= aim.limit else "missed"
            yield f"\naim: {aim.metric} at most {aim.limit} of {aim.beside}'s; it is {value:.3f}: {verdict}\n"
