"""Kaplan-Meier survival and restricted means of examples/data/colon.csv by lifelines, for each arm, and each arm and
value of node4; prints expected.csv.

    pip install lifelines==0.30.3 && python tests/oracles/survival/lifelines_km.py > tests/oracles/survival/expected.csv
"""

import pandas as pd
from lifelines import KaplanMeierFitter
from lifelines.utils import restricted_mean_survival_time

patients = pd.read_csv("examples/data/colon.csv")
times = {"death": ("days_to_death_or_censoring", "died"), "recurrence": ("days_to_recurrence_or_censoring", "recurred")}
print("outcome,arm,node4,horizon,units,survival,rmst")
for outcome, (time, event) in times.items():
    for horizon in (1000, 1826, 2500):
        for arm in ("Obs", "Lev", "Lev+5FU"):
            for node4 in ("all", 0, 1):
                units = patients[patients["arm"] == arm]
                if node4 != "all":
                    units = units[units["node4"] == node4]
                curve = KaplanMeierFitter().fit(units[time], units[event])
                mean = restricted_mean_survival_time(curve, t=horizon)
                print(outcome, arm, node4, horizon, len(units), repr(float(curve.predict(horizon))), repr(float(mean)), sep=",")
