NAME multi_linear_rule.facets
OBJSENSE
    MAX
ROWS
 N objective
 E one(0)
 E one(1)
 E one(2)
 E one(3)
 L between(2.1.0)
 L between(2.1.1)
 G beats(0.0.1)
 G beats(0.0.2)
 G beats(1.1.0)
 G beats(1.1.2)
 G beats(2.1.0)
 G beats(2.1.2)
 G beats(3.0.1)
 G beats(3.0.2)
COLUMNS
    marker 'MARKER' 'INTORG'
    give(0.0) one(0) 1
    give(0.0) beats(0.0.1) -2.000000000002
    give(0.0) beats(0.0.2) -2.000000000002
    give(0.1) objective -2
    give(0.1) one(0) 1
    give(0.2) objective -2
    give(0.2) one(0) 1
    give(1.0) one(1) 1
    give(1.1) objective 4
    give(1.1) one(1) 1
    give(1.1) beats(1.1.0) -2.000000000002
    give(1.1) beats(1.1.2) -2.000000000002
    give(1.2) one(1) 1
    give(2.0) one(2) 1
    give(2.1) objective 1
    give(2.1) one(2) 1
    give(2.1) beats(2.1.0) -4.000000000004
    give(2.1) beats(2.1.2) -4.000000000004
    give(2.2) one(2) 1
    give(3.0) one(3) 1
    give(3.0) beats(3.0.1) -4.000000000004
    give(3.0) beats(3.0.2) -4.000000000004
    give(3.1) objective -3
    give(3.1) one(3) 1
    give(3.2) objective -3
    give(3.2) one(3) 1
    marker 'MARKER' 'INTEND'
    intercept(1) beats(0.0.1) -1
    intercept(1) beats(1.1.0) 1
    intercept(1) beats(1.1.2) 1
    intercept(1) beats(2.1.0) 1
    intercept(1) beats(2.1.2) 1
    intercept(1) beats(3.0.1) -1
    b(x1.1) between(2.1.0) -1
    b(x1.1) beats(0.0.1) 1
    b(x1.1) beats(1.1.0) -1
    b(x1.1) beats(1.1.2) -1
    b(x1.1) beats(2.1.0) 1
    b(x1.1) beats(2.1.2) 1
    b(x1.1) beats(3.0.1) -1
    b(x2.1) between(2.1.1) -1
    b(x2.1) beats(0.0.1) 1
    b(x2.1) beats(1.1.0) 1
    b(x2.1) beats(1.1.2) 1
    b(x2.1) beats(2.1.0) -1
    b(x2.1) beats(2.1.2) -1
    b(x2.1) beats(3.0.1) -1
    intercept(2) beats(0.0.2) -1
    intercept(2) beats(1.1.2) -1
    intercept(2) beats(2.1.2) -1
    intercept(2) beats(3.0.2) -1
    b(x1.2) between(2.1.0) 1
    b(x1.2) beats(0.0.2) 1
    b(x1.2) beats(1.1.2) 1
    b(x1.2) beats(2.1.2) -1
    b(x1.2) beats(3.0.2) -1
    b(x2.2) between(2.1.1) 1
    b(x2.2) beats(0.0.2) 1
    b(x2.2) beats(1.1.2) -1
    b(x2.2) beats(2.1.2) 1
    b(x2.2) beats(3.0.2) -1
RHS
    rhs objective -5
    rhs one(0) 1
    rhs one(1) 1
    rhs one(2) 1
    rhs one(3) 1
    rhs between(2.1.0) 1
    rhs beats(0.0.1) -2.000000000002
    rhs beats(0.0.2) -2.000000000002
    rhs beats(1.1.0) -2.000000000002
    rhs beats(1.1.2) -2.000000000002
    rhs beats(2.1.0) -4.000000000004
    rhs beats(2.1.2) -4.000000000004
    rhs beats(3.0.1) -4.000000000004
    rhs beats(3.0.2) -4.000000000004
RANGES
    range between(2.1.0) 2
    range between(2.1.1) 1
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
 LO bound give(3.0) 0
 UP bound give(3.0) 1
 LO bound give(3.1) 0
 UP bound give(3.1) 1
 LO bound give(3.2) 0
 UP bound give(3.2) 1
 LO bound intercept(1) -2
 UP bound intercept(1) 2
 LO bound b(x1.1) -1
 UP bound b(x1.1) 1
 FX bound b(x2.1) 1
 LO bound intercept(2) -2
 UP bound intercept(2) 2
 LO bound b(x1.2) -1
 UP bound b(x1.2) 1
 LO bound b(x2.2) 0
 UP bound b(x2.2) 1
ENDATA
