"""Entropy calibration by cvxpy and Clarabel (PyPI) on the file that the benchmark writes; the least CPU milliseconds of three solves, compilation included.

cargo bench --profile release --bench calibration -- --write DIR && python3 benches/calibration_cvxpy.py DIR/n3000_p10.csv
"""

import sys
import time

import cvxpy as cp
import numpy as np

x = np.loadtxt(sys.argv[1], delimiter=",")
n, p = x.shape
times = []
for _ in range(3):
    v = cp.Variable(n)
    problem = cp.Problem(cp.Minimize(-cp.sum(cp.entr(v))), [cp.sum(v) == n, x.T @ v == 0])
    start = time.process_time()
    problem.solve(solver=cp.CLARABEL, max_threads=1)
    times.append(1e3 * (time.process_time() - start))
print(f"cvxpy {cp.__version__}: n={n} p={p}: {min(times):.0f} CPU ms, objective {problem.value:.9f}")
