"""The Python peers of benches/peers.py: how each is called and how its tree is read, in a process that can be
stopped.

A peer gets covariates n x p, rewards n x K, the depth, the least number of units in a leaf and its CPU
seconds, and returns a `Fit`, or a text that says why there is none. A tree is {"covariate": j,
"threshold": t, "left": where x_j <= t, "right": ..} or {"arm": a}, as in prescribe's reports.
"""

import multiprocessing
import os
import resource
import time
import warnings
from typing import NamedTuple

for library in ("OMP", "OPENBLAS", "MKL", "NUMBA"):
    os.environ[f"{library}_NUM_THREADS"] = "1"

import numpy as np

MEMORY = 6 << 30  # bytes of address space of the peers' process
MATRIX = 1 << 30  # bytes of 0/1 columns beyond which a fit is not tried
TWO_ARMS = "two arms only"


class Fit(NamedTuple):
    tree: dict
    # What the program says that its tree earns; None: it does not say.
    claimed: float | None
    # CPU seconds of solving.
    seconds: float


def read(path):
    return np.loadtxt(path, delimiter=",", skiprows=1, ndmin=2)


def pystreed_costs(x, rewards, depth, min_leaf, limit, **options):
    """pystreed's cost-sensitive optimiser: a unit costs its best reward minus its arm's; cuts are columns."""
    from pystreed import STreeDInstanceCostSensitiveClassifier

    cuts, columns = zero_one(x)
    solver = STreeDInstanceCostSensitiveClassifier(
        depth, min_leaf_node_size=min_leaf, time_limit=limit, **options
    )
    return cost_fit(solver, x, columns, rewards, lambda: cuts)


def pystreed_whole(x, rewards, depth, min_leaf, limit):
    """The same without the special solver for the last two levels of a tree."""
    return pystreed_costs(x, rewards, depth, min_leaf, limit, use_terminal_solver=False)


def pystreed_quantiles(x, rewards, depth, min_leaf, limit):
    """The same on the covariates as they are, which pystreed cuts at five quantiles unless told otherwise."""
    from pystreed import STreeDInstanceCostSensitiveClassifier

    solver = STreeDInstanceCostSensitiveClassifier(depth, min_leaf_node_size=min_leaf, time_limit=limit)

    def cuts():
        # First the columns of 0 and 1, where 1 satisfies, then the cuts, satisfied by values up to the cut.
        binarizer = solver.binarizer_
        cuts = [(j, 0.0, False) for j in binarizer.binary_columns]
        if binarizer.continuous_columns:
            thresholds = binarizer.continuous_binarizer.thresholds_
            cuts += [(j, t, True) for j, own in zip(binarizer.continuous_columns, thresholds) for t in own]
        return cuts

    return cost_fit(solver, x, x, rewards, cuts)


def pystreed_policy(x, rewards, depth, min_leaf, limit):
    """pystreed's policy generator: its direct method takes an outcome for each arm: here, the reward."""
    from pystreed import STreeDPrescriptivePolicyGenerator
    from pystreed.data import PPGData

    cuts, columns = zero_one(x)
    k = rewards.shape[1]
    data = [PPGData(i % k, 0.0, 1 / k, list(row)) for i, row in enumerate(rewards)]
    solver = STreeDPrescriptivePolicyGenerator(
        depth, min_leaf_node_size=min_leaf, teacher_method="DM", time_limit=limit
    )
    seconds = timed(solver, columns, data)
    tree = satisfied_tree(solver, cuts)
    agree(tree, x, solver.predict(columns, data))
    return Fit(tree, None, seconds)


def econml_greedy(x, rewards, depth, min_leaf, limit):
    """EconML's PolicyTree over all units: no honest halves, no balance (a tolerance of 0.5 turns it off)."""
    plain = {"honest": False, "min_balancedness_tol": 0.5, "min_samples_split": 2}
    return econml(x, rewards, depth, min_samples_leaf=min_leaf, **plain)


def econml_default(x, rewards, depth, min_leaf, limit):
    """EconML's PolicyTree as it comes: honest halves, 5% of a node's units on each side, 5 in a leaf."""
    return econml(x, rewards, depth, min_samples_leaf=max(min_leaf, 5))


def econml(x, rewards, depth, **options):
    from econml.policy import PolicyTree

    model = PolicyTree(max_depth=depth, random_state=1, **options)
    seconds = timed(model, x, rewards)
    tree = array_tree(model.tree_, lambda node: int(np.argmax(model.tree_.value[node, :, 0])))
    agree(tree, x, model.predict(x))
    return Fit(tree, len(x) * model.policy_value_, seconds)


def sklearn_signs(x, rewards, depth, min_leaf, limit):
    """scikit-learn's classifier of the gain's sign, weighted by its size: as DoubleML's policy tree does."""
    from sklearn.tree import DecisionTreeClassifier

    if rewards.shape[1] != 2:
        return TWO_ARMS
    gain = rewards[:, 1] - rewards[:, 0]
    model = DecisionTreeClassifier(max_depth=depth, min_samples_leaf=min_leaf, random_state=1)
    seconds = timed(model, x, (gain > 0).astype(int), sample_weight=np.abs(gain))
    tree = array_tree(model.tree_, lambda node: int(model.classes_[np.argmax(model.tree_.value[node, 0])]))
    agree(tree, x, model.predict(x))
    return Fit(tree, None, seconds)


PEERS = {
    "pystreed, costs": pystreed_costs,
    "pystreed, costs, no depth-two solver": pystreed_whole,
    "pystreed, costs, its own 5 quantiles": pystreed_quantiles,
    "pystreed, policies": pystreed_policy,
    "EconML, greedy": econml_greedy,
    "EconML, as it comes": econml_default,
    "scikit-learn, weighted signs": sklearn_signs,
}


def timed(model, *data, **options):
    start = time.process_time()
    model.fit(*data, **options)
    return time.process_time() - start


def zero_one(x):
    """All cuts (covariate, threshold, whether values up to it satisfy) and a 0/1 column of units for each."""
    cuts = [(j, t, True) for j, column in enumerate(x.T) for t in np.unique(column)[:-1]]
    size = 4 * len(x) * len(cuts)
    if size > MATRIX:
        raise MemoryError(f"not tried: {len(cuts)} columns of 0 and 1 take {size / 1e9:.1f} GB")
    return cuts, np.column_stack([x[:, j] <= t for j, t, _ in cuts]).astype(np.intc)


def cost_fit(solver, x, columns, rewards, cuts):
    from pystreed.data import CostVector

    best = rewards.max(axis=1, keepdims=True)
    seconds = timed(solver, columns, [CostVector(row) for row in best - rewards])
    tree = satisfied_tree(solver, cuts())
    agree(tree, x, solver.predict(columns))
    return Fit(tree, float(best.sum() - solver.fit_result.score()), seconds)


def satisfied_tree(solver, cuts):
    """pystreed's tree, whose right children satisfy the cut."""
    if not hasattr(solver, "tree_"):
        raise RuntimeError("no tree")
    if not solver.fit_result.is_optimal():
        raise RuntimeError("not proved within the limit")

    def convert(node):
        if node.is_leaf_node():
            return {"arm": int(node.label)}
        covariate, threshold, up_to = cuts[node.feature]
        right, left = convert(node.right_child), convert(node.left_child)
        if up_to:
            left, right = right, left
        return {"covariate": int(covariate), "threshold": float(threshold), "left": left, "right": right}

    return convert(solver.get_tree())


def array_tree(arrays, arm, node=0):
    """A tree of scikit-learn's layout, which is EconML's too."""
    if arrays.children_left[node] < 0:
        return {"arm": arm(node)}
    return {
        "covariate": int(arrays.feature[node]),
        "threshold": float(arrays.threshold[node]),
        "left": array_tree(arrays, arm, arrays.children_left[node]),
        "right": array_tree(arrays, arm, arrays.children_right[node]),
    }


def agree(tree, x, arms):
    """An error if the tree as it was read gives some unit another arm than its own program does."""
    differ = sum((arms[units] != arm).sum() for units, arm in leaves(tree, x))
    if differ:
        raise RuntimeError(f"its own prediction differs from its tree for {differ} units")


def leaves(tree, x, units=None):
    """The units and the arm of each leaf, empty leaves included."""
    units = np.arange(len(x)) if units is None else units
    if "arm" in tree:
        return [(units, tree["arm"])]
    left = x[units, tree["covariate"]] <= tree["threshold"]
    return leaves(tree["left"], x, units[left]) + leaves(tree["right"], x, units[~left])


class Worker:
    """A process for the fits, ended where one hangs or breaks it, and started anew."""

    def __init__(self):
        self.process = None

    def fit(self, peer, files, depth, min_leaf, limit):
        """What the peer returns, or a text that says why it returns nothing."""
        if self.process is None:
            context = multiprocessing.get_context("spawn")
            self.connection, other_end = context.Pipe()
            self.process = context.Process(target=work, args=(other_end,), daemon=True)
            self.process.start()
            other_end.close()
        try:
            self.connection.send((peer, files, depth, min_leaf, limit))
            # A peer that keeps its own limit gets the time to say so, and to import its libraries.
            if self.connection.poll(1.25 * limit + 20):
                return self.connection.recv()
            failure = f"ended after {1.25 * limit + 20:.0f} s"
        except (EOFError, ConnectionError):
            failure = "crashed"
        self.stop()
        return failure

    def stop(self):
        if self.process is not None:
            self.process.kill()
            self.process.join()
            self.process = None


def work(connection):
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    warnings.simplefilter("ignore")
    while True:
        peer, (covariates, rewards), depth, min_leaf, limit = connection.recv()
        try:
            answer = PEERS[peer](read(covariates), read(rewards), depth, min_leaf, limit)
        except MemoryError as error:
            answer = str(error) if "tried" in str(error) else f"more than {MEMORY >> 30} GB"
        except Exception as error:
            answer = str(error) or type(error).__name__
        connection.send(answer)
