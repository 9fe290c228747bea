NAME linear_rule.radon
OBJSENSE
    MAX
ROWS
 N objective
 L radon
COLUMNS
    marker 'MARKER' 'INTORG'
    treat(0) objective 4
    treat(0) radon 1
    treat(1) objective -2
    treat(1) radon -1
    treat(2) objective 0
    treat(3) objective -5
    treat(3) radon -1
    treat(4) objective 3
    treat(4) radon 1
    marker 'MARKER' 'INTEND'
RHS
    rhs objective 3
    rhs radon 1
BOUNDS
 LO bound treat(0) 0
 UP bound treat(0) 1
 LO bound treat(1) 0
 UP bound treat(1) 1
 LO bound treat(2) 0
 UP bound treat(2) 1
 LO bound treat(3) 0
 UP bound treat(3) 1
 LO bound treat(4) 0
 UP bound treat(4) 1
ENDATA
