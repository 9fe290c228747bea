NAME linear_rule.naive
OBJSENSE
    MAX
ROWS
 N objective
 G treated(0)
 L untreated(0)
 G treated(1)
 L untreated(1)
 G treated(2)
 L untreated(2)
 G treated(3)
 L untreated(3)
COLUMNS
    marker 'MARKER' 'INTORG'
    treat(0) objective -1
    treat(0) treated(0) -3
    treat(0) untreated(0) -3.0001
    treat(1) objective 2
    treat(1) treated(1) -3
    treat(1) untreated(1) -3.0001
    treat(2) objective 1
    treat(2) treated(2) -3
    treat(2) untreated(2) -3.0001
    treat(3) objective -3
    treat(3) treated(3) -3
    treat(3) untreated(3) -3.0001
    marker 'MARKER' 'INTEND'
    intercept treated(0) 1
    intercept untreated(0) 1
    intercept treated(1) 1
    intercept untreated(1) 1
    intercept treated(2) 1
    intercept untreated(2) 1
    intercept treated(3) 1
    intercept untreated(3) 1
    b(x) treated(0) -1
    b(x) untreated(0) -1
    b(x) treated(1) -0.5
    b(x) untreated(1) -0.5
    b(x) treated(3) 1
    b(x) untreated(3) 1
RHS
    rhs objective -4
    rhs treated(0) -3
    rhs untreated(0) -0.0001
    rhs treated(1) -3
    rhs untreated(1) -0.0001
    rhs treated(2) -3
    rhs untreated(2) -0.0001
    rhs treated(3) -3
    rhs untreated(3) -0.0001
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
 LO bound b(x) -1
 UP bound b(x) 1
ENDATA
