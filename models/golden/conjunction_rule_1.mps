NAME conjunction_rule.facets
OBJSENSE
    MAX
ROWS
 N objective
 L first.untreated(0)
 G first.treated(1)
 G first.treated(2)
 L first.untreated(3)
 G first.treated(4)
 L second.untreated(0)
 G second.treated(1)
 G second.treated(2)
 L second.untreated(3)
 G second.treated(4)
 G both(0)
 L both(1)
 L both(1).12
 L both(2)
 L both(2).14
 G both(3)
 L both(4)
 L both(4).17
COLUMNS
    marker 'MARKER' 'INTORG'
    first.treat(0) first.untreated(0) -0
    first.treat(0) both(0) -1
    first.treat(1) first.treated(1) -1.5000000000015001
    first.treat(1) both(1) -1
    first.treat(2) first.treated(2) -1.000000000001
    first.treat(2) both(2) -1
    first.treat(3) first.untreated(3) -1.5000000000015001
    first.treat(3) both(3) -1
    first.treat(4) first.treated(4) -0
    first.treat(4) both(4) -1
    second.treat(0) second.untreated(0) -2.000000000002
    second.treat(0) both(0) -1
    second.treat(1) second.treated(1) -0.5000000000005
    second.treat(1) both(1).12 -1
    second.treat(2) second.treated(2) -1.000000000001
    second.treat(2) both(2).14 -1
    second.treat(3) second.untreated(3) -0.5000000000005
    second.treat(3) both(3) -1
    second.treat(4) second.treated(4) -2.000000000002
    second.treat(4) both(4).17 -1
    marker 'MARKER' 'INTEND'
    first.intercept first.untreated(0) 1
    first.intercept first.treated(1) 1
    first.intercept first.treated(2) 1
    first.intercept first.untreated(3) 1
    first.intercept first.treated(4) 1
    first.b(x) first.untreated(0) -1
    first.b(x) first.treated(1) -0.5
    first.b(x) first.untreated(3) 0.5
    first.b(x) first.treated(4) 1
    second.intercept second.untreated(0) 1
    second.intercept second.treated(1) 1
    second.intercept second.treated(2) 1
    second.intercept second.untreated(3) 1
    second.intercept second.treated(4) 1
    second.b(x) second.untreated(0) -1
    second.b(x) second.treated(1) -0.5
    second.b(x) second.untreated(3) 0.5
    second.b(x) second.treated(4) 1
    both(0) objective -1
    both(0) both(0) 1
    both(1) objective 2
    both(1) both(1) 1
    both(1) both(1).12 1
    both(2) objective 1
    both(2) both(2) 1
    both(2) both(2).14 1
    both(3) objective -3
    both(3) both(3) 1
    both(4) objective 2
    both(4) both(4) 1
    both(4) both(4).17 1
RHS
    rhs first.treated(1) -1.5000000000015001
    rhs first.treated(2) -1.000000000001
    rhs second.treated(1) -0.5000000000005
    rhs second.treated(2) -1.000000000001
    rhs second.treated(4) -2.000000000002
    rhs both(0) -1
    rhs both(3) -1
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
 LO bound first.intercept -1
 UP bound first.intercept 1
 FX bound first.b(x) 1
 LO bound second.intercept -1
 UP bound second.intercept 1
 FX bound second.b(x) -1
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
