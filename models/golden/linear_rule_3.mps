NAME linear_rule.facets
OBJSENSE
    MAX
ROWS
 N objective
 G treated(0)
 L untreated(1)
 L untreated(3)
 G treated(4)
COLUMNS
    marker 'MARKER' 'INTORG'
    treat(0) objective 4
    treat(0) treated(0) -2.000000000002
    treat(1) objective -2
    treat(1) untreated(1) -4.000000000004
    treat(2) objective 0
    treat(3) objective -5
    treat(3) untreated(3) -2.000000000002
    treat(4) objective 3
    treat(4) treated(4) -4.000000000004
    marker 'MARKER' 'INTEND'
    intercept treated(0) 1
    intercept untreated(1) 1
    intercept untreated(3) 1
    intercept treated(4) 1
    b(age) treated(0) -1
    b(age) untreated(1) -1
    b(age) untreated(3) 1
    b(age) treated(4) 1
    b(male) treated(0) -1
    b(male) untreated(1) 1
    b(male) untreated(3) -1
    b(male) treated(4) 1
RHS
    rhs objective 3
    rhs treated(0) -2.000000000002
    rhs treated(4) -4.000000000004
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
 LO bound intercept -2
 UP bound intercept 2
 FX bound b(age) -1
 LO bound b(male) -1
 UP bound b(male) 1
ENDATA
