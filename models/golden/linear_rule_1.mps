NAME linear_rule.facets
OBJSENSE
    MAX
ROWS
 N objective
 L untreated(0)
 G treated(1)
 G treated(2)
 L untreated(3)
COLUMNS
    marker 'MARKER' 'INTORG'
    treat(0) objective -1
    treat(0) untreated(0) -2.000000000002
    treat(1) objective 2
    treat(1) treated(1) -0.5000000000005
    treat(2) objective 1
    treat(2) treated(2) -1.000000000001
    treat(3) objective -3
    treat(3) untreated(3) -0
    marker 'MARKER' 'INTEND'
    intercept untreated(0) 1
    intercept treated(1) 1
    intercept treated(2) 1
    intercept untreated(3) 1
    b(x) untreated(0) -1
    b(x) treated(1) -0.5
    b(x) untreated(3) 1
RHS
    rhs objective -4
    rhs treated(1) -0.5000000000005
    rhs treated(2) -1.000000000001
BOUNDS
 LO bound treat(0) 0
 UP bound treat(0) 1
 LO bound treat(1) 0
 UP bound treat(1) 1
 LO bound treat(2) 0
 UP bound treat(2) 1
 LO bound treat(3) 0
 UP bound treat(3) 1
 LO bound intercept -1
 UP bound intercept 1
 FX bound b(x) -1
ENDATA
