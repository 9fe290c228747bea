NAME multi_linear_rule.radon
OBJSENSE
    MAX
ROWS
 N objective
 E one(0)
 E one(1)
 E one(2)
 L radon
 L radon.4
COLUMNS
    marker 'MARKER' 'INTORG'
    give(0.0) one(0) 1
    give(0.0) radon 1
    give(0.0) radon.4 1
    give(0.1) objective -2
    give(0.1) one(0) 1
    give(0.2) objective -2
    give(0.2) one(0) 1
    give(1.0) one(1) 1
    give(1.1) objective 3
    give(1.1) one(1) 1
    give(1.1) radon 1
    give(1.2) objective 1
    give(1.2) one(1) 1
    give(1.2) radon.4 1
    give(2.0) one(2) 1
    give(2.0) radon 1
    give(2.0) radon.4 1
    give(2.1) objective -2
    give(2.1) one(2) 1
    give(2.2) objective -2
    give(2.2) one(2) 1
    marker 'MARKER' 'INTEND'
RHS
    rhs objective -4
    rhs one(0) 1
    rhs one(1) 1
    rhs one(2) 1
    rhs radon 2
    rhs radon.4 2
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
ENDATA
