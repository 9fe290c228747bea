"""Generator of linear-rule instances: python3 generate.py N P SEED [discrete] > instance.csv
The p1_ files are its instances rounded to four decimals; ../README.md gives their seeds.
AIPW-like gains: linear effect with a kink, heavy (t5) noise, propensities that depend on x1, noisy outcome models."""
import sys
import numpy as np


def gen(N, p, seed, disc=False, noise=2.0):
    r = np.random.default_rng(1000 * seed + 17 * p + N)
    x = r.normal(size=(N, p))
    if disc:
        x = np.round(x * 2).astype(float)  # integers, many ties
    b = r.normal(size=p) / np.sqrt(p)
    tau = 0.15 + 0.8 * (x @ b) + 0.3 * (np.abs(x[:, 0]) - 0.8)
    e = 1 / (1 + np.exp(-0.4 * x[:, 0]))
    D = r.random(N) < e
    m0 = 0.5 * x[:, -1]
    Y = m0 + D * tau + noise * r.standard_t(5, size=N)
    m0h = m0 + 0.3 * r.normal(size=N)
    m1h = m0h + 0.7 * tau
    g = m1h - m0h + D * (Y - m1h) / e - (1 - D) * (Y - m0h) / (1 - e)
    return x, np.round(g, 6)


if __name__ == "__main__":
    N, p, seed = map(int, sys.argv[1:4])
    x, g = gen(N, p, seed, "discrete" in sys.argv[4:])
    print("g," + ",".join(f"x{j + 1}" for j in range(p)))
    for gi, xi in zip(g, x):
        print(repr(float(gi)) + "," + ",".join(repr(float(v)) for v in xi))
