NAME multi_linear_rule.facets
OBJSENSE
    MAX
ROWS
 N objective
 E one(0)
 E one(1)
 E one(2)
 L between(2.1.0)
 G beats(0.0.1)
 G beats(0.0.2)
 G beats(1.1.0)
 G beats(1.1.2)
 G beats(1.2.0)
 G beats(2.0.1)
 G beats(2.0.2)
COLUMNS
    marker 'MARKER' 'INTORG'
    give(0.0) one(0) 1
    give(0.1) objective -2
    give(0.1) one(0) 1
    give(0.2) objective -2
    give(0.2) one(0) 1
    give(1.0) one(1) 1
    give(1.1) objective 3
    give(1.1) one(1) 1
    give(1.1) beats(1.1.0) -1.000000000001
    give(1.1) beats(1.1.2) -1.000000000001
    give(1.2) objective 1
    give(1.2) one(1) 1
    give(1.2) beats(1.2.0) -1.000000000001
    give(2.0) one(2) 1
    give(2.0) beats(2.0.1) -2.000000000002
    give(2.0) beats(2.0.2) -2.000000000002
    give(2.1) objective -2
    give(2.1) one(2) 1
    give(2.2) objective -2
    give(2.2) one(2) 1
    marker 'MARKER' 'INTEND'
    intercept(1) beats(0.0.1) -1
    intercept(1) beats(1.1.0) 1
    intercept(1) beats(1.1.2) 1
    intercept(1) beats(2.0.1) -1
    b(x.1) between(2.1.0) -1
    b(x.1) beats(0.0.1) 1
    b(x.1) beats(2.0.1) -1
    intercept(2) beats(0.0.2) -1
    intercept(2) beats(1.1.2) -1
    intercept(2) beats(1.2.0) 1
    intercept(2) beats(2.0.2) -1
    b(x.2) between(2.1.0) 1
    b(x.2) beats(0.0.2) 1
    b(x.2) beats(2.0.2) -1
RHS
    rhs objective -4
    rhs one(0) 1
    rhs one(1) 1
    rhs one(2) 1
    rhs beats(1.1.0) -1.000000000001
    rhs beats(1.1.2) -1.000000000001
    rhs beats(1.2.0) -1.000000000001
    rhs beats(2.0.1) -2.000000000002
    rhs beats(2.0.2) -2.000000000002
RANGES
    range between(2.1.0) 1
BOUNDS
 LO bound give(0.0) 0
 UP bound give(0.0) 1
 LO bound give(0.1) 0
 UP bound give(0.1) 1
 LO bound give(0.2) 0
 UP bound give(0.2) 1
 LO bound give(1.0) 0
 UP bound give(1.0) 1
 LO bound give(1.1) 0
 UP bound give(1.1) 1
 LO bound give(1.2) 0
 UP bound give(1.2) 1
 LO bound give(2.0) 0
 UP bound give(2.0) 1
 LO bound give(2.1) 0
 UP bound give(2.1) 1
 LO bound give(2.2) 0
 UP bound give(2.2) 1
 LO bound intercept(1) -1
 UP bound intercept(1) 1
 FX bound b(x.1) 1
 LO bound intercept(2) -1
 UP bound intercept(2) 1
 LO bound b(x.2) 0
 UP bound b(x.2) 1
ENDATA
