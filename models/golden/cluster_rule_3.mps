NAME cluster_rule.facets
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
 G all(0_2)
 L all(0_3)
 L all(0_3).8
 G all(0_5)
COLUMNS
    marker 'MARKER' 'INTORG'
    treat(0) objective 1.75
    treat(0) treated(0) -2.000000000002
    treat(0) untreated(0) -0
    treat(0) all(0_2) -1
    treat(0) all(0_3) -1
    treat(1) objective 2
    treat(1) treated(1) -1.000000000001
    treat(1) untreated(1) -1.000000000001
    treat(1) all(0_2) -1
    treat(1) all(0_5) -1
    treat(2) objective 2.5
    treat(2) treated(2) -0
    treat(2) untreated(2) -2.000000000002
    treat(2) all(0_3).8 -1
    treat(2) all(0_5) -1
    marker 'MARKER' 'INTEND'
    intercept treated(0) 1
    intercept untreated(0) 1
    intercept treated(1) 1
    intercept untreated(1) 1
    intercept treated(2) 1
    intercept untreated(2) 1
    b(x) treated(0) -1
    b(x) untreated(0) -1
    b(x) treated(2) 1
    b(x) untreated(2) 1
    all(0_2) objective -4
    all(0_2) all(0_2) 1
    all(0_3) objective 4
    all(0_3) all(0_3) 1
    all(0_3) all(0_3).8 1
    all(0_5) objective -4
    all(0_5) all(0_5) 1
RHS
    rhs objective 1
    rhs treated(0) -2.000000000002
    rhs treated(1) -1.000000000001
    rhs all(0_2) -1
    rhs all(0_5) -1
BOUNDS
 LO bound treat(0) 0
 UP bound treat(0) 1
 LO bound treat(1) 0
 UP bound treat(1) 1
 LO bound treat(2) 0
 UP bound treat(2) 1
 LO bound intercept -1
 UP bound intercept 1
 FX bound b(x) 1
 LO bound all(0_2) 0
 UP bound all(0_2) 1
 LO bound all(0_3) 0
 UP bound all(0_3) 1
 LO bound all(0_5) 0
 UP bound all(0_5) 1
ENDATA
