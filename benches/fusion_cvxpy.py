"""The instances of fusion.rs by cvxpy and Clarabel: CPU seconds of one lambda (0.02).

FUSION_BENCH_DIR=DIR cargo bench --profile release --bench fusion; FUSION_BENCH_DIR=DIR python3 benches/fusion_cvxpy.py
Needs cvxpy, clarabel and numpy from PyPI.
"""
import os
import sys
import time

import cvxpy as cp
import numpy as np

LAMBDA = 0.02


def solve(arms, p):
    table = np.loadtxt(os.path.join(os.environ["FUSION_BENCH_DIR"], f"fusion_{arms}_{p}.csv"), delimiter=",")
    arm, outcome, design = table[:, 0].astype(int), table[:, 1], table[:, 2:]
    weight = 1.0 / (len(arm) / arms)
    a, b = np.triu_indices(arms, 1)
    started = time.process_time()
    zeta = cp.Variable((arms, p))
    fitted = cp.sum(cp.multiply(design, zeta[arm]), axis=1)
    objective = 0.5 * weight * cp.sum_squares(outcome - fitted) + LAMBDA * cp.sum(cp.abs(zeta[a] - zeta[b]))
    problem = cp.Problem(cp.Minimize(objective))
    problem.solve(solver=cp.CLARABEL, tol_gap_abs=1e-10, tol_gap_rel=1e-10, tol_feas=1e-10, max_threads=1)
    return problem.value, time.process_time() - started


sizes = [(48, 4)] if "--quick" in sys.argv else [(48, 4), (48, 10), (100, 10)]
print("| K | p | objective | CPU s |\n|---|---|---|---|")
for arms, p in sizes:
    value, seconds = solve(arms, p)
    print(f"| {arms} | {p} | {value:.10f} | {seconds:.2f} |")
