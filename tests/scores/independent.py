"""AIPW scores by statsmodels, for tests/scores/independent.rs to compare with.

    python independent.py           draws the data and writes all files of independent/ again
    python independent.py --check   scores the stored data and compares with the stored scores to 1e-10

Propensities: multinomial logit on all units outside a unit's fold. Outcomes: least squares of y and logistic regression of
z (0 or 1), on the units outside the fold that received the arm. All with an intercept, none penalised. Then

    score_ik = mu_ik + 1{A_i = k} (Y_i - mu_ik) / e_ik.
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import statsmodels
import statsmodels.api as sm

HERE = Path(__file__).parent / "independent"
STUDIES = {"two_arms": (400, 2, 1), "three_arms": (600, 3, 2)}
COVARIATES = ["x1", "x2", "x3", "x4"]
FOLDS = 5


def draw(n, arms, seed):
    """Covariates of unlike scales, two of them correlated; arm and outcomes depend on them."""
    random = np.random.default_rng(seed)
    x1, x2 = random.normal(size=(2, n))
    x = pd.DataFrame({"x1": x1, "x2": 0.7 * x1 + x2, "x3": 50 + 12 * random.normal(size=n), "x4": random.integers(0, 2, n)})
    eta = np.column_stack([np.zeros(n), 0.6 * x.x1 - 0.4 * x.x4, 0.03 * (x.x3 - 50) - 0.5 * x.x2][:arms])
    chance = np.exp(eta) / np.exp(eta).sum(axis=1, keepdims=True)
    arm = np.array([random.choice(arms, p=p) for p in chance])
    effect = np.choose(arm, [0.0, 1.0 + x.x1, x.x4 - 0.5][:arms] if arms > 2 else [0.0, 1.0 + x.x1])
    mean = x.x1 - 0.5 * x.x2 + 0.02 * x.x3 + effect
    chance = 1 / (1 + np.exp(1.0 - 0.5 * mean))
    fold = random.permutation(np.arange(n) % FOLDS)
    return x.round(6).assign(arm=arm, y=(mean + random.normal(size=n)).round(6), z=(random.random(n) < chance).astype(int), fold=fold)


def fitted(model):
    """The maximum of the likelihood, to rounding error."""
    result = model.fit(method="newton", maxiter=100, tol=1e-14, disp=False)
    assert np.abs(model.score(result.params)).max() < 1e-9, "not converged"
    return result


def scores(data):
    x = sm.add_constant(data[COVARIATES].to_numpy(float), has_constant="add")
    arm, fold = data.arm.to_numpy(), data.fold.to_numpy()
    arms = arm.max() + 1
    e = np.zeros((len(data), arms))
    mu = {name: np.zeros((len(data), arms)) for name in ["linear", "logistic"]}
    for f in range(FOLDS):
        out, into = fold != f, fold == f
        e[into] = fitted(sm.MNLogit(arm[out], x[out])).predict(x[into])
        for k in range(arms):
            own = out & (arm == k)
            mu["linear"][into, k] = sm.OLS(data.y[own].to_numpy(), x[own]).fit().predict(x[into])
            mu["logistic"][into, k] = fitted(sm.Logit(data.z[own].to_numpy(), x[own])).predict(x[into])
    columns = {f"propensity_{k}": e[:, k] for k in range(arms)}
    for name, outcome in [("linear", data.y), ("logistic", data.z)]:
        for k in range(arms):
            weight = (arm == k) / e[:, k]
            columns[f"{name}_{k}"] = mu[name][:, k] + weight * (outcome.to_numpy() - mu[name][:, k])
    return pd.DataFrame(columns)


def main():
    check = sys.argv[1:] == ["--check"]
    for name, (n, arms, seed) in STUDIES.items():
        data_file, scores_file = HERE / f"{name}.csv", HERE / f"{name}_scores.csv"
        if not check:
            draw(n, arms, seed).to_csv(data_file, index=False)
        found = scores(pd.read_csv(data_file))
        if check:
            off = (found - pd.read_csv(scores_file)).abs().max().max()
            assert off < 1e-10, f"{name}: {off}"
            print(f"{name}: largest difference {off:.1e}")
        else:
            found.to_csv(scores_file, index=False, float_format="%.17g")
    if not check:
        versions = {"python": sys.version.split()[0], "statsmodels": statsmodels.__version__,
                    "numpy": np.__version__, "pandas": pd.__version__}
        lines = ["Drawn and scored by ../independent.py with", *(f"  {name} {version}" for name, version in versions.items())]
        (HERE / "SOURCE").write_text("\n".join(lines) + "\n")


main()
