"""CPU seconds of pystreed (PyPI) on the binary n10000 p30 K2 depth-3 instance of tests/oracles/trees/generate.py, seed 1.

A machine's speed in one number, so that figures taken elsewhere can be scaled. The whole call of `fit` is timed, the
conversion of the data included; costs are the best reward of the unit minus the arm's. Prints a JSON object.
"""

import json
import statistics
import sys
import time
from importlib.metadata import version
from pathlib import Path

try:
    import numpy as np
    from pystreed import STreeDInstanceCostSensitiveClassifier
except ImportError:
    print("null")
    sys.exit()

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "oracles" / "trees"))
from generate import gen

x, rewards = gen("bin", 10_000, 30, 2, 1)
x, costs = x.astype(int), rewards.max(axis=1, keepdims=True) - rewards
seconds = []
for _ in range(5):
    solver = STreeDInstanceCostSensitiveClassifier(max_depth=3)
    start = time.process_time()
    solver.fit(x, costs)
    seconds.append(time.process_time() - start)
value = rewards[np.arange(len(x)), solver.predict(x)].sum()
print(json.dumps({"version": version("pystreed"), "cpu_seconds": statistics.median(seconds), "value": float(value)}))
