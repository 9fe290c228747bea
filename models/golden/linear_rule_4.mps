NAME linear_rule.radon
OBJSENSE
    MAX
ROWS
 N objective
 L radon
 L radon.1
COLUMNS
    marker 'MARKER' 'INTORG'
    treat(0) objective -1
    treat(0) radon -1
    treat(0) radon.1 -1
    treat(1) objective 2
    treat(1) radon 1
    treat(2) objective 1
    treat(2) radon.1 1
    treat(3) objective -3
    treat(3) radon -1
    treat(3) radon.1 -1
    marker 'MARKER' 'INTEND'
RHS
    rhs objective -4
BOUNDS
 LO bound treat(0) 0
 UP bound treat(0) 1
 LO bound treat(1) 0
 UP bound treat(1) 1
 LO bound treat(2) 0
 UP bound treat(2) 1
 LO bound treat(3) 0
 UP bound treat(3) 1
ENDATA
