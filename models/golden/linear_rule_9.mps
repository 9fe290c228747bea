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
 G treated(4)
 L untreated(4)
COLUMNS
    marker 'MARKER' 'INTORG'
    treat(0) objective 4
    treat(0) treated(0) -4
    treat(0) untreated(0) -4.0001
    treat(1) objective -2
    treat(1) treated(1) -4
    treat(1) untreated(1) -4.0001
    treat(2) treated(2) -4
    treat(2) untreated(2) -4.0001
    treat(3) objective -5
    treat(3) treated(3) -4
    treat(3) untreated(3) -4.0001
    treat(4) objective 3
    treat(4) treated(4) -4
    treat(4) untreated(4) -4.0001
    marker 'MARKER' 'INTEND'
    intercept treated(0) 1
    intercept untreated(0) 1
    intercept treated(1) 1
    intercept untreated(1) 1
    intercept treated(2) 1
    intercept untreated(2) 1
    intercept treated(3) 1
    intercept untreated(3) 1
    intercept treated(4) 1
    intercept untreated(4) 1
    b(age) treated(0) -1
    b(age) untreated(0) -1
    b(age) treated(1) -1
    b(age) untreated(1) -1
    b(age) treated(3) 1
    b(age) untreated(3) 1
    b(age) treated(4) 1
    b(age) untreated(4) 1
    b(male) treated(0) -1
    b(male) untreated(0) -1
    b(male) treated(1) 1
    b(male) untreated(1) 1
    b(male) treated(2) 1
    b(male) untreated(2) 1
    b(male) treated(3) -1
    b(male) untreated(3) -1
    b(male) treated(4) 1
    b(male) untreated(4) 1
RHS
    rhs objective 3
    rhs treated(0) -4
    rhs untreated(0) -0.0001
    rhs treated(1) -4
    rhs untreated(1) -0.0001
    rhs treated(2) -4
    rhs untreated(2) -0.0001
    rhs treated(3) -4
    rhs untreated(3) -0.0001
    rhs treated(4) -4
    rhs untreated(4) -0.0001
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
 LO bound intercept -1
 UP bound intercept 1
 LO bound b(age) -1
 UP bound b(age) 1
 LO bound b(male) -1
 UP bound b(male) 1
ENDATA
