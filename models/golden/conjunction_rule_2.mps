NAME conjunction_rule.facets
OBJSENSE
    MAX
ROWS
 N objective
 L first.untreated(0)
 G first.treated(1)
 L first.untreated(2)
 G first.treated(3)
 L second.untreated(0)
 G second.treated(1)
 L second.untreated(2)
 G second.treated(3)
 G order
 G both(0)
 L both(1)
 L both(1).11
 G both(2)
 L both(3)
 L both(3).14
COLUMNS
    marker 'MARKER' 'INTORG'
    first.treat(0) first.untreated(0) -0
    first.treat(0) order 1
    first.treat(0) both(0) -1
    first.treat(1) first.treated(1) -1.3333333333346666
    first.treat(1) order 1
    first.treat(1) both(1) -1
    first.treat(2) first.untreated(2) -1.3333333333346666
    first.treat(2) order 1
    first.treat(2) both(2) -1
    first.treat(3) first.treated(3) -0
    first.treat(3) order 1
    first.treat(3) both(3) -1
    second.treat(0) second.untreated(0) -0
    second.treat(0) order -1
    second.treat(0) both(0) -1
    second.treat(1) second.treated(1) -1.3333333333346666
    second.treat(1) order -1
    second.treat(1) both(1).11 -1
    second.treat(2) second.untreated(2) -1.3333333333346666
    second.treat(2) order -1
    second.treat(2) both(2) -1
    second.treat(3) second.treated(3) -0
    second.treat(3) order -1
    second.treat(3) both(3).14 -1
    marker 'MARKER' 'INTEND'
    first.intercept first.untreated(0) 1
    first.intercept first.treated(1) 1
    first.intercept first.untreated(2) 1
    first.intercept first.treated(3) 1
    first.b(x) first.untreated(0) -1
    first.b(x) first.treated(1) -0.3333333333333333
    first.b(x) first.untreated(2) 0.3333333333333333
    first.b(x) first.treated(3) 1
    second.intercept second.untreated(0) 1
    second.intercept second.treated(1) 1
    second.intercept second.untreated(2) 1
    second.intercept second.treated(3) 1
    second.b(x) second.untreated(0) -1
    second.b(x) second.treated(1) -0.3333333333333333
    second.b(x) second.untreated(2) 0.3333333333333333
    second.b(x) second.treated(3) 1
    both(0) objective -1
    both(0) both(0) 1
    both(1) objective 4
    both(1) both(1) 1
    both(1) both(1).11 1
    both(2) objective -1
    both(2) both(2) 1
    both(3) objective 3
    both(3) both(3) 1
    both(3) both(3).14 1
RHS
    rhs objective -3
    rhs first.treated(1) -1.3333333333346666
    rhs second.treated(1) -1.3333333333346666
    rhs both(0) -1
    rhs both(2) -1
BOUNDS
 LO bound first.treat(0) 0
 UP bound first.treat(0) 1
 LO bound first.treat(1) 0
 UP bound first.treat(1) 1
 LO bound first.treat(2) 0
 UP bound first.treat(2) 1
 LO bound first.treat(3) 0
 UP bound first.treat(3) 1
 LO bound second.treat(0) 0
 UP bound second.treat(0) 1
 LO bound second.treat(1) 0
 UP bound second.treat(1) 1
 LO bound second.treat(2) 0
 UP bound second.treat(2) 1
 LO bound second.treat(3) 0
 UP bound second.treat(3) 1
 LO bound first.intercept -1
 UP bound first.intercept 1
 FX bound first.b(x) 1
 LO bound second.intercept -1
 UP bound second.intercept 1
 FX bound second.b(x) 1
 LO bound both(0) 0
 UP bound both(0) 1
 LO bound both(1) 0
 UP bound both(1) 1
 LO bound both(2) 0
 UP bound both(2) 1
 LO bound both(3) 0
 UP bound both(3) 1
ENDATA
