NAME conjunction_rule.facets
OBJSENSE
    MAX
ROWS
 N objective
 G first.treated(0)
 G first.treated(1)
 L first.untreated(2)
 L first.untreated(3)
 L first.untreated(4)
 G second.treated(0)
 G second.treated(1)
 L second.untreated(2)
 L second.untreated(3)
 L second.untreated(4)
 L both(0)
 L both(0).11
 L both(1)
 L both(1).13
 G both(2)
 G both(3)
 G both(4)
COLUMNS
    marker 'MARKER' 'INTORG'
    first.treat(0) first.treated(0) -1.000000000001
    first.treat(0) both(0) -1
    first.treat(1) first.treated(1) -2.000000000002
    first.treat(1) both(1) -1
    first.treat(2) first.untreated(2) -2.000000000002
    first.treat(2) both(2) -1
    first.treat(3) first.untreated(3) -2.000000000002
    first.treat(3) both(3) -1
    first.treat(4) first.untreated(4) -0
    first.treat(4) both(4) -1
    second.treat(0) second.treated(0) -1.000000000001
    second.treat(0) both(0).11 -1
    second.treat(1) second.treated(1) -2.000000000002
    second.treat(1) both(1).13 -1
    second.treat(2) second.untreated(2) -2.000000000002
    second.treat(2) both(2) -1
    second.treat(3) second.untreated(3) -0
    second.treat(3) both(3) -1
    second.treat(4) second.untreated(4) -2.000000000002
    second.treat(4) both(4) -1
    marker 'MARKER' 'INTEND'
    first.intercept first.treated(0) 1
    first.intercept first.treated(1) 1
    first.intercept first.untreated(2) 1
    first.intercept first.untreated(3) 1
    first.intercept first.untreated(4) 1
    first.b(x) first.untreated(3) 1
    first.b(x) first.untreated(4) -1
    first.b(y) first.treated(1) 1
    first.b(y) first.untreated(2) -1
    second.intercept second.treated(0) 1
    second.intercept second.treated(1) 1
    second.intercept second.untreated(2) 1
    second.intercept second.untreated(3) 1
    second.intercept second.untreated(4) 1
    second.b(x) second.untreated(3) 1
    second.b(x) second.untreated(4) -1
    second.b(y) second.treated(1) 1
    second.b(y) second.untreated(2) -1
    both(0) objective 3
    both(0) both(0) 1
    both(0) both(0).11 1
    both(1) objective 2
    both(1) both(1) 1
    both(1) both(1).13 1
    both(2) objective -2
    both(2) both(2) 1
    both(3) objective -1
    both(3) both(3) 1
    both(4) objective -1
    both(4) both(4) 1
RHS
    rhs first.treated(0) -1.000000000001
    rhs first.treated(1) -2.000000000002
    rhs second.treated(0) -1.000000000001
    rhs second.treated(1) -2.000000000002
    rhs both(2) -1
    rhs both(3) -1
    rhs both(4) -1
BOUNDS
 LO bound first.treat(0) 0
 UP bound first.treat(0) 1
 LO bound first.treat(1) 0
 UP bound first.treat(1) 1
 LO bound first.treat(2) 0
 UP bound first.treat(2) 1
 LO bound first.treat(3) 0
 UP bound first.treat(3) 1
 LO bound first.treat(4) 0
 UP bound first.treat(4) 1
 LO bound second.treat(0) 0
 UP bound second.treat(0) 1
 LO bound second.treat(1) 0
 UP bound second.treat(1) 1
 LO bound second.treat(2) 0
 UP bound second.treat(2) 1
 LO bound second.treat(3) 0
 UP bound second.treat(3) 1
 LO bound second.treat(4) 0
 UP bound second.treat(4) 1
 LO bound first.intercept -2
 UP bound first.intercept 2
 FX bound first.b(x) 1
 LO bound first.b(y) -1
 UP bound first.b(y) 1
 LO bound second.intercept -2
 UP bound second.intercept 2
 FX bound second.b(x) -1
 LO bound second.b(y) -1
 UP bound second.b(y) 1
 LO bound both(0) 0
 UP bound both(0) 1
 LO bound both(1) 0
 UP bound both(1) 1
 LO bound both(2) 0
 UP bound both(2) 1
 LO bound both(3) 0
 UP bound both(3) 1
 LO bound both(4) 0
 UP bound both(4) 1
ENDATA
