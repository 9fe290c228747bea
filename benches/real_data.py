"""Rules on two real studies that stand beside the checkout, in ../shared/data. Prints Markdown.

    python3 benches/real_data.py [--quick]

warfarin_iwpc: 4,386 people, three dose bins, every potential outcome known, treatment by a logged policy of unknown
propensities. Rules are learned from what was logged on the training rows alone; their regret is exact, because exactly
one bin is right for each person: regret = 1 - mean of y_d(x). "Best of class" is learned from the potential outcomes.

ist: 19,435 stroke patients in 466 hospitals, aspirin or not by three doses of heparin, known propensities. Effects are
about a point of death or dependency; an honest learner fuses the arms or finds next to nothing.
"""

import csv
import gzip
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
PRESCRIBE = os.environ.get("PRESCRIBE", str(REPOSITORY / "target" / "release" / "prescribe"))
DATA = REPOSITORY.parent / "shared" / "data"
SEEDS = [1] if "--quick" in sys.argv else [1, 2, 3, 4, 5]
FUSED = ["--weigh", "entropy", "--fuse"]
RANDOMISED = ["--weigh", "none", "--fuse"]
ONE_GROUP = "all arms are one group"


def main():
    with tempfile.TemporaryDirectory() as folder:
        for name, bench in [("warfarin_iwpc", warfarin), ("ist", ist)]:
            packed = DATA / name / "data.csv.gz"
            if not packed.exists():
                print(f"\n### {name}: skipped, {name} does not stand beside the checkout")
                continue
            plain = Path(folder) / f"{name}.csv"
            plain.write_bytes(gzip.decompress(packed.read_bytes()))
            bench(plain)


def warfarin(data):
    rows = list(csv.DictReader(data.open()))
    roles = {"y0", "y1", "y2", "t", "y", "split"}
    study = ["--covariates", ",".join(name for name in rows[0] if name not in roles), "--outcome", "y", "--treatment"]
    study += ["t", "--maximize", "--split", "split", "--propensity", "logit"]
    # Two groups leave out what a criterion says: the cost of fusing arms that differ.
    rules = []
    for depth in (1, 2, 3, 4):
        tree = ["--policy", "tree", "--depth", str(depth)]
        rules.append((f"best of class, depth {depth}", tree + ["--rewards", "0=y0,1=y1,2=y2"]))
        rules.append((f"exact, depth {depth}", tree + ["--solver", "search"]))
        rules.append((f"exact, depth {depth}, arms fused by EBIC", tree + FUSED + ["ebic"]))
        rules.append((f"exact, depth {depth}, arms fused to two", tree + FUSED + ["2"]))
        rules.append((f"greedy, depth {depth}", tree + ["--solver", "greedy"]))
    rules.append(("smoothed linear", ["--policy", "linear", "--solver", "smooth"]))
    rules.append(("smoothed linear, arms fused by EBIC", ["--policy", "linear", "--solver", "smooth"] + FUSED + ["ebic"]))
    lines = []
    for name, flags in rules:
        runs = [regrets(data, rows, study + flags, seed) for seed in SEEDS]
        column = lambda key: [run[key] for run in runs]
        groups = " ".join(sorted({run["groups"] for run in runs}))
        train, test, cpu = (statistics.mean(column(key)) for key in ("train", "test", "cpu"))
        lines.append([name, f"{train:.4f}", f"{test:.4f}", f"{min(column('test')):.4f} to {max(column('test')):.4f}", groups, f"{cpu:.2f}"])
    for part in "train", "test":
        chosen = [row for row in rows if row["split"] == part]
        best = min(1 - statistics.mean(float(row[f"y{arm}"]) for row in chosen) for arm in "012")
        print(f"\nThe best single dose has regret {best:.4f} on the {len(chosen)} {part} rows.")
    header = ["rule", "regret, training rows", "regret, test rows", "over seeds", "groups", "CPU s"]
    table(f"warfarin_iwpc: exact regret, mean of {len(SEEDS)} seeds of the folds", header, lines)


def regrets(data, rows, flags, seed):
    """Exact regret on both parts, the groups of arms, and the CPU seconds of the solver."""
    with tempfile.TemporaryDirectory() as folder:
        found = learn(data, flags, seed, folder)
        text = run("predict", f"{folder}/rule.json", data, "--seed", seed)
    given = [line.get("member") or line["arm"] for line in csv.DictReader(text.splitlines())]
    earned = {part: [float(row[f"y{arm}"]) for row, arm in zip(rows, given) if row["split"] == part] for part in ("train", "test")}
    cpu = found["report"]["cpu_seconds"]
    return {"groups": groups_of(found), "cpu": cpu} | {part: 1 - statistics.mean(values) for part, values in earned.items()}


def ist(data):
    covariates = "age,male,delay_h,sbp,drowsy,unconscious,infarct_visible,stroke_type"
    study = ["--covariates", covariates, "--categorical", "stroke_type", "--outcome", "dead_or_dep_6m", "--treatment", "arm", "--minimize"]
    study += ["--cluster", "hospital", "--missing", "drop"]
    shares = {f"asp{aspirin}_hep{heparin}": share for aspirin in "01" for heparin, share in (("N", 0.25), ("L", 0.125), ("M", 0.125))}
    study += ["--propensity", ",".join(f"{arm}={share}" for arm, share in shares.items())]
    rules = []
    for depth in (1, 2, 3):
        tree = ["--policy", "tree", "--depth", str(depth)]
        rules.append((f"exact, depth {depth}", tree))
        rules.append((f"exact, depth {depth}, arms fused by EBIC", tree + RANDOMISED + ["ebic"]))
        rules.append((f"exact, depth {depth}, arms fused to two", tree + RANDOMISED + ["2"]))
        rules.append((f"greedy, depth {depth}", tree + ["--solver", "greedy"]))
    lines = []
    for name, flags in rules:
        runs = []
        for seed in SEEDS:
            with tempfile.TemporaryDirectory() as folder:
                runs.append(learn(data, study + flags, seed, folder))
        if None in runs:
            lines.append([f"{name} ({runs.count(None)} of {len(runs)} seeds: one group of all)"] + ["-"] * 5)
            continue
        value = lambda found, key: found["evaluation"][key]
        against = [best_single(found) for found in runs]
        lines.append([
            name,
            f"{statistics.mean(value(found, 'value') for found in runs):.4f}",
            f"{statistics.mean(value(found, 'standard_error') for found in runs):.4f}",
            f"{statistics.mean(difference for difference, _ in against):+.4f}",
            f"{statistics.mean(error for _, error in against):.4f}",
            " ".join(sorted({groups_of(found) for found in runs})),
        ])
    header = ["rule", "dead or dependent", "std. error", "minus the best single arm", "std. error", "groups"]
    table(f"ist: value on held-out hospitals, mean of {len(SEEDS)} seeds", header, lines)


def best_single(found):
    """The rule minus the best single arm of the training units, with its standard error."""
    evaluation = found["evaluation"]
    best = next(entry for entry in evaluation["differences"] if entry["against"] == evaluation["best_arm"]["arm"])
    return best["estimate"], best["standard_error"]


def groups_of(found):
    """The sizes of the groups of arms, largest first; a dash where none were formed."""
    fusion = found.get("fusion")
    if not fusion:
        return "-"
    return "+".join(str(size) for size in sorted((len(group["members"]) for group in fusion["groups"]), reverse=True))


def learn(data, flags, seed, folder):
    """What was learned; nothing where fusion leaves nothing to choose."""
    found = run("learn", data, *flags, "--seed", seed, "--out", folder, "--json", "-", may=ONE_GROUP)
    return json.loads(found) if found else None


def run(*arguments, may=None):
    """Standard output; nothing where the program refuses for the reason that it may."""
    done = subprocess.run([PRESCRIBE, *map(str, arguments)], capture_output=True, text=True)
    if done.returncode and may and may in done.stderr:
        return None
    if done.returncode:
        sys.exit(f"{' '.join(map(str, arguments))}\n{done.stderr}")
    return done.stdout


def table(heading, header, rows):
    print(f"\n### {heading}\n\n| {' | '.join(header)} |\n|{'---|' * len(header)}")
    for row in rows:
        print(f"| {' | '.join(row)} |")


if __name__ == "__main__":
    main()
