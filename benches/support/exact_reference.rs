//! The exact optimum of a linear-rule problem by flat enumeration: a reference that shares no code with the solvers.
