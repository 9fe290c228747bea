NAME cluster_rule.facets
OBJSENSE
    MAX
ROWS
 N objective
 L untreated(0)
 G treated(1)
 L untreated(2)
 L untreated(3)
 L agrees(0)
 L agrees(0).5
 G agrees(1)
COLUMNS
    marker 'MARKER' 'INTORG'
    treat(0) untreated(0) -0
    treat(0) agrees(0) 1
    treat(1) treated(1) -1.3333333333346666
    treat(1) agrees(0).5 -1
    treat(2) untreated(2) -1.3333333333346666
    treat(2) agrees(1) -1
    treat(3) objective -0.5
    treat(3) untreated(3) -2.000000000002
    treat(3) agrees(1) -1
    marker 'MARKER' 'INTEND'
    intercept untreated(0) 1
    intercept treated(1) 1
    intercept untreated(2) 1
    intercept untreated(3) 1
    b(x) untreated(0) -1
    b(x) treated(1) -0.3333333333333333
    b(x) untreated(2) 0.3333333333333333
    b(x) untreated(3) 1
    marker 'MARKER' 'INTORG'
    agree(0) objective 3
    agree(0) agrees(0) 1
    agree(0) agrees(0).5 1
    agree(1) objective -1
    agree(1) agrees(1) 1
    marker 'MARKER' 'INTEND'
RHS
    rhs treated(1) -1.3333333333346666
    rhs agrees(0) 1
    rhs agrees(1) -1
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
 FX bound b(x) 1
 LO bound agree(0) 0
 UP bound agree(0) 1
 LO bound agree(1) 0
 UP bound agree(1) 1
ENDATA
