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
 G treated(3)
 L untreated(3)
 E number(0)
 G least(0)
 L most(0)
 L kept(0_0)
 L kept(0_0).12
 L kept(0_1)
 L kept(0_1).14
 G kept(0_2)
 L kept(0_3)
 L kept(0_3).17
COLUMNS
    marker 'MARKER' 'INTORG'
    treat(0) treated(0) -2.000000000002
    treat(0) untreated(0) -0
    treat(0) least(0) 1
    treat(0) most(0) 1
    treat(0) kept(0_0) -1
    treat(1) treated(1) -1.3333333333346666
    treat(1) untreated(1) -0.6666666666673334
    treat(1) least(0) 1
    treat(1) most(0) 1
    treat(1) kept(0_1) 1
    treat(2) treated(2) -0.6666666666673334
    treat(2) untreated(2) -1.3333333333346666
    treat(2) least(0) 1
    treat(2) most(0) 1
    treat(2) kept(0_2) 1
    treat(3) treated(3) -0
    treat(3) untreated(3) -2.000000000002
    treat(3) least(0) 1
    treat(3) most(0) 1
    treat(3) kept(0_3) -1
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
    b(x) treated(1) -0.3333333333333333
    b(x) untreated(1) -0.3333333333333333
    b(x) treated(2) 0.3333333333333333
    b(x) untreated(2) 0.3333333333333333
    b(x) treated(3) 1
    b(x) untreated(3) 1
    marker 'MARKER' 'INTORG'
    v_exact(0) number(0) 1
    v_exact(0) least(0) -2
    v_exact(0) most(0) -2
    v_exact(0) kept(0_0).12 -1
    v_exact(0) kept(0_1).14 -1
    v_exact(0) kept(0_2) -1
    v_exact(0) kept(0_3).17 -1
    less(0) number(0) 1
    less(0) most(0) -1
    more(0) number(0) 1
    more(0) least(0) -3
    more(0) most(0) -4
    marker 'MARKER' 'INTEND'
    kept(0_0) objective 1
    kept(0_0) kept(0_0) 1
    kept(0_0) kept(0_0).12 1
    kept(0_1) objective 2
    kept(0_1) kept(0_1) 1
    kept(0_1) kept(0_1).14 1
    kept(0_2) objective -4
    kept(0_2) kept(0_2) 1
    kept(0_3) objective 3
    kept(0_3) kept(0_3) 1
    kept(0_3) kept(0_3).17 1
RHS
    rhs treated(0) -2.000000000002
    rhs treated(1) -1.3333333333346666
    rhs treated(2) -0.6666666666673334
    rhs number(0) 1
    rhs kept(0_1) 1
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
 LO bound v_exact(0) 0
 UP bound v_exact(0) 1
 LO bound less(0) 0
 UP bound less(0) 1
 LO bound more(0) 0
 UP bound more(0) 1
 LO bound kept(0_0) 0
 UP bound kept(0_0) 1
 LO bound kept(0_1) 0
 UP bound kept(0_1) 1
 LO bound kept(0_2) 0
 UP bound kept(0_2) 1
 LO bound kept(0_3) 0
 UP bound kept(0_3) 1
ENDATA
