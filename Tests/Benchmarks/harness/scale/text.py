"""Figures for people."""


def row(results):
    """One row: its title, and a line for each figure, aligned."""
    told = [(figure["what"], f"{figure['value']:,.{figure['digits']}f}", figure["unit"], _aim(figure))
            for figure in results["figures"]]
    what, value, unit = (max(len(line[column]) for line in told) for column in range(3))
    lines = [f"{line[0]:<{what}}  {line[1]:>{value}} {line[2]:<{unit}}  {line[3]}".rstrip() for line in told]
    return "\n".join([f"{results['row']}: {results['title']}", *(f"  {line}" for line in lines), ""])


def _aim(figure):
    if figure["limit"] is None:
        return ""
    verdict = "reached" if figure["value"] <= figure["limit"] else "missed"
    return f"aim: at most {figure['limit']:g}: {verdict}"
