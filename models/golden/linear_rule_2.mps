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
    treat(0) objective -2
    treat(0) untreated(0) -2.000000000002
    treat(1) objective 3
    treat(1) treated(1) -2.000000000002
    treat(2) objective 2
    treat(2) treated(2) -0
    treat(3) objective -2
    treat(3) untreated(3) -2.000000000002
    marker 'MARKER' 'INTEND'
    intercept untreated(0) 1
    intercept treated(1) 1
    intercept treated(2) 1
    intercept untreated(3) 1
    b(x1) untreated(0) -1
    b(x1) untreated(3) 1
    b(x2) untreated(0) -1
    b(x2) treated(1) -1
    b(x2) treated(2) 1
    b(x2) untreated(3) -1
RHS
    rhs treated(1) -2.000000000002
BOUNDS
 LO bound treat(0) 0
 UP bound treat(0) 1
 LO bound treat(1) 0
 UP bound treat(1) 1
 LO bound treat(2) 0
 UP bound treat(2) 1
 LO bound treat(3) 0
 UP bound treat(3) 1
 LO bound intercept -2
 UP bound intercept 2
 LO bound b(x1) -1
 UP bound b(x1) 1
 FX bound b(x2) 1
ENDATA
