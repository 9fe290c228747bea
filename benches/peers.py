"""Policy trees: `prescribe` beside its Python peers, on the same files in the same run: who is right, and
at what cost. Prints Markdown.

    python3 -m venv .venv && .venv/bin/pip install -r benches/peers-requirements.txt
    PRESCRIBE=target/release/prescribe .venv/bin/python benches/peers.py [--quick]

Instances come from tests/oracles/trees/generate.py, seed 1, and are written to CSV, which every program
reads. CPU seconds are those of solving: reading the files, converting them to a peer's own types and cutting
covariates into 0/1 columns do not count. Every fit has one thread and a limit of time, peers one of memory
too. A tree is worth what `evaluate` finds, whatever its program claims; on small instances `brute_force` says
what the best one is worth.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections import Counter
from importlib.metadata import version
from itertools import product
from pathlib import Path

from peers_fits import PEERS, TWO_ARMS, Fit, Worker, leaves, read

import numpy as np

REPOSITORY = Path(__file__).parent.parent
sys.path.insert(0, str(REPOSITORY / "tests" / "oracles" / "trees"))
from generate import gen, write_csv

PRESCRIBE = os.environ.get("PRESCRIBE", str(REPOSITORY / "target" / "release" / "prescribe"))
QUICK = "--quick" in sys.argv
LIMIT = 10 if QUICK else 120
KINDS = {"cont": "continuous", "mixed": "mixed", "bin": "binary"}

# Kind, n, p, K, depth, least units in a leaf, quantiles that covariates are cut to; then the CPU seconds of
# policytree 1.2.5, fastpolicytree and pystreed 1.4.0 at 3.3 GHz, where they were measured.
LARGE = [
    ("cont", 10_000, 10, 2, 2, 1, None, "69.8", "4.86", "-"),
    ("mixed", 10_000, 10, 4, 2, 1, None, "2.11", "0.249", "-"),
    ("cont", 1_000, 10, 16, 2, 1, None, "3.10", "0.424", "-"),
    ("cont", 500, 5, 2, 3, 1, None, "> 110", "2.60", "-"),
    ("mixed", 500, 10, 2, 3, 1, None, "3.74", "0.874", "0.380"),
    ("mixed", 1_000, 10, 4, 3, 1, None, "11.8", "2.25", "-"),
    ("bin", 10_000, 30, 2, 3, 1, None, "> 110", "0.539", "0.184"),
    ("bin", 500, 30, 2, 4, 1, None, "> 110", "0.431", "0.092"),
    ("cont", 1_800, 3, 16, 3, 1, 40, "-", "-", "-"),
    ("mixed", 500, 10, 2, 3, 25, None, "-", "-", "-"),
    ("mixed", 500, 10, 2, 3, 100, None, "-", "-", "-"),
    ("mixed", 1_000, 10, 4, 2, 300, None, "-", "-", "-"),
    ("bin", 500, 30, 2, 4, 100, None, "-", "-", "-"),
]

# Not asked where it has nothing to show: what that solver gets wrong is the least leaf.
WHOLE = "pystreed, costs, no depth-two solver"
QUANTILES = "pystreed, costs, its own 5 quantiles"
# The peers that solve, or approximate, the small problems as they are stated.
COMPARABLE = [peer for peer in PEERS if peer not in (QUANTILES, "EconML, as it comes")]


def main():
    print(", ".join(f"{name} {version(name)}" for name in ["pystreed", "econml", "scikit-learn", "numpy"]))
    with tempfile.TemporaryDirectory() as folder:
        large(Path(folder))
        small(Path(folder))


def large(folder):
    """Programs by instance, beside the optimum that prescribe proves."""
    rows, elsewhere = [], []
    for kind, n, p, k, depth, min_leaf, quantiles, *others in [*LARGE[6:8], LARGE[-2]] if QUICK else LARGE:
        x, rewards = gen(kind, n, p, k, 1)
        name = f"{KINDS[kind]} n{n} p{p} K{k}"
        if quantiles:
            x = coarsened(x, quantiles)
            name += f" on {quantiles} quantiles"
        files = write(folder, x, rewards)
        x, rewards = map(read, files)
        pointless = [WHOLE] * (min_leaf == 1) + [QUANTILES] * (kind == "bin")
        peers = [peer for peer in PEERS if peer not in pointless]
        fits = rounds(["prescribe", *peers], files, depth, min_leaf)
        ours = fits["prescribe"]
        for program, fitted in fits.items():
            rows.append([name, depth, min_leaf, program, *described(fitted, ours, x, rewards, min_leaf)])
            if fitted is ours:
                rows[-1][-1] = "proved"
                # Large leaves leave so few cuts that brute force ends in seconds.
                if min_leaf >= 100:
                    optimum = brute_force(x, rewards, depth, min_leaf)
                    rows[-1][-1] += f", by brute force {finding(ours, optimum, x, rewards, min_leaf)}"
            print(*rows[-1], file=sys.stderr)
        elsewhere.append([name, depth, f"{ours.seconds:.4f}", *others])
    measured = ["CPU s", "times prescribe's", "claimed", "evaluated", "loss", "smallest leaf", "finding"]
    table("Programs by instance", ["instance", "depth", "min leaf", "program", *measured], rows)
    header = ["instance", "depth", "prescribe, this run", "policytree", "fastpolicytree", "pystreed"]
    known = [row for row in elsewhere if set(row[3:]) != {"-"}]
    table("CPU s measured elsewhere, at 3.3 GHz", header, known)


def small(folder):
    """How often each program's answer is worth that of brute force, by kind of covariates and least leaf."""
    rows = []
    worker = Worker()
    for kind, min_leaf in product(("continuous", "few-valued", "binary"), (1, 3, 6)):
        counts = {program: Counter() for program in ("prescribe", *COMPARABLE)}
        for depth, seed in product((1, 2, 3), range(1 if QUICK else 14)):
            x, rewards = toy(kind, depth, seed)
            files = write(folder, x, rewards)
            optimum = brute_force(x, rewards, depth, min_leaf)
            for program, count in counts.items():
                fitted = fit(program, files, depth, min_leaf, worker)
                if isinstance(fitted, Fit):
                    count[finding(fitted, optimum, x, rewards, min_leaf)] += 1
                elif fitted != TWO_ARMS:
                    count[fitted] += 1
        rows.append([kind, min_leaf, *map(summary, counts.values())])
        print(*rows[-1], file=sys.stderr)
    worker.stop()
    table("Equal to brute force", ["covariates", "min leaf", "prescribe", *COMPARABLE], rows)


def coarsened(x, quantiles):
    """Each covariate as the number of its quantiles below the unit's value."""
    shares = np.arange(1, quantiles + 1) / (quantiles + 1)
    below = [np.searchsorted(np.quantile(column, shares), column) for column in x.T]
    return np.column_stack(below).astype(float)


def toy(kind, depth, seed):
    """16 to 24 units, two or three covariates and arms; rewards are noise, at every third seed rounded."""
    random = np.random.default_rng([seed, depth, len(kind)])
    n, p, k = random.integers(16, 25), random.integers(2, 4), random.integers(2, 4)
    if kind == "continuous":
        x = random.standard_normal((n, p))
    else:
        x = random.integers(0, 2 if kind == "binary" else 5, (n, p)).astype(float)
    rewards = random.standard_normal((n, k))
    return x, np.round(2 * rewards) if seed % 3 == 2 else rewards


def write(folder, x, rewards):
    write_csv(folder / "instance", x, rewards)
    return folder / "instance_X.csv", folder / "instance_G.csv"


def fit(program, files, depth, min_leaf, worker):
    if program == "prescribe":
        return prescribe(files, depth, min_leaf)
    return worker.fit(program, files, depth, min_leaf, LIMIT)


def prescribe(files, depth, min_leaf):
    """An answer that is proved."""
    arguments = ["--covariates", files[0], "--rewards", files[1], "--depth", depth, "--min-leaf", min_leaf]
    arguments += ["--solver", "search", "--threads", 1, "--json", "-"]
    command = [PRESCRIBE, "solve", "tree", *map(str, arguments)]
    run = subprocess.run(command, capture_output=True, check=True, timeout=LIMIT)
    report = json.loads(run.stdout)
    if report["termination_status"] != "OPTIMAL" or not report["certificate"]["verified"]:
        raise RuntimeError("prescribe did not prove its answer")
    return Fit(numbered(report["point"]["root"]), report["objective_value"], report["cpu_seconds"])


def numbered(node):
    """The tree with covariates x0, .. and arms a0, .. as numbers."""
    if "arm" in node:
        return {"arm": int(node["arm"][1:])}
    sides = {side: numbered(node[side]) for side in ("left", "right")}
    return {"covariate": int(node["covariate"][1:]), "threshold": node["threshold"], **sides}


def rounds(programs, files, depth, min_leaf):
    """Each program's fit, with the median of its CPU seconds over five rounds through the programs that take
    less than 4 s."""
    # A process each: in one that has solved much before, a fit may take half as long again.
    workers = {program: Worker() for program in programs}
    fits = {program: [fit(program, files, depth, min_leaf, workers[program])] for program in programs}
    quick = [program for program, (first,) in fits.items() if isinstance(first, Fit) and first.seconds < 4]
    for program in quick * (0 if QUICK else 4):
        fits[program].append(fit(program, files, depth, min_leaf, workers[program]))
    for worker in workers.values():
        worker.stop()
    for program in quick:
        seconds = statistics.median(fitted.seconds for fitted in fits[program])
        fits[program][0] = fits[program][0]._replace(seconds=seconds)
    return {program: first for program, (first, *_) in fits.items()}


def evaluate(tree, x, rewards):
    """What a tree earns, and the number of units in its smallest leaf."""
    found = leaves(tree, x)
    return sum(rewards[units, arm].sum() for units, arm in found), min(len(units) for units, _ in found)


def brute_force(x, rewards, depth, min_leaf):
    """What the best tree earns, by trying every cut of every node; shares nothing with any program."""
    best = rewards.sum(axis=0).max()
    if depth == 0:
        return best
    for column in x.T:
        for cut in np.unique(column)[:-1]:
            left = column <= cut
            if min(left.sum(), (~left).sum()) >= min_leaf:
                sides = (brute_force(x[side], rewards[side], depth - 1, min_leaf) for side in (left, ~left))
                best = max(best, sum(sides))
    return best


def described(fitted, ours, x, rewards, min_leaf):
    """CPU seconds, their ratio to prescribe's, claimed and evaluated value, loss, smallest leaf, finding."""
    if not isinstance(fitted, Fit):
        return ["-"] * 6 + [fitted]
    optimum = evaluate(ours.tree, x, rewards)[0]
    value, smallest = evaluate(fitted.tree, x, rewards)
    ratio = fitted.seconds / ours.seconds
    return [
        f"{fitted.seconds:.4f}",
        f"{ratio:.{2 if ratio < 1 else 1 if ratio < 10 else 0}f}",
        "-" if fitted.claimed is None else f"{fitted.claimed:.3f}",
        f"{value:.3f}",
        f"{(optimum - value) / (optimum - rewards.sum(axis=0).max()):.2%}",
        smallest,
        finding(fitted, optimum, x, rewards, min_leaf),
    ]


def finding(fitted, optimum, x, rewards, min_leaf):
    """Whether an answer is optimal, and if not, what is wrong with it."""
    value, smallest = evaluate(fitted.tree, x, rewards)
    tolerance = 1e-9 * max(1, abs(optimum))
    if smallest < min_leaf:
        found = "leaf too small"
    elif abs(value - optimum) <= tolerance:
        found = "optimal"
    else:
        found = "above the optimum" if value > optimum else "below the optimum"
    if fitted.claimed is not None and abs(fitted.claimed - value) > tolerance:
        found += ", claim differs"
    return found


def summary(count):
    """So many optimal of so many, and what the others are."""
    others = ", ".join(f"{number} {found}" for found, number in count.items() if found != "optimal")
    return f"{count['optimal']} of {count.total()}" + (f" ({others})" if others else "")


def table(title, header, rows):
    print(f"\n### {title}\n")
    print("|", " | ".join(header), "|")
    print("|" + "---|" * len(header))
    for row in rows:
        print("|", " | ".join(map(str, row)), "|")


if __name__ == "__main__":
    main()
