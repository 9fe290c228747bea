NAME table_rule.listed
OBJSENSE
    MAX
ROWS
 N objective
 E one_table
COLUMNS
    marker 'MARKER' 'INTORG'
    ask(nothing) objective 8
    ask(nothing) one_table 1
    ask(x1__0) objective 8
    ask(x1__0) one_table 1
    ask(x2__0) objective 14
    ask(x2__0) one_table 1
    ask(x3__0) objective 10
    ask(x3__0) one_table 1
    ask(x1__0_x2__0) objective 14
    ask(x1__0_x2__0) one_table 1
    ask(x1__0_x3__0) objective 10
    ask(x1__0_x3__0) one_table 1
    ask(x2__0_x3__0) objective 14
    ask(x2__0_x3__0) one_table 1
    marker 'MARKER' 'INTEND'
RHS
    rhs one_table 1
BOUNDS
 LO bound ask(nothing) 0
 UP bound ask(nothing) 1
 LO bound ask(x1__0) 0
 UP bound ask(x1__0) 1
 LO bound ask(x2__0) 0
 UP bound ask(x2__0) 1
 LO bound ask(x3__0) 0
 UP bound ask(x3__0) 1
 LO bound ask(x1__0_x2__0) 0
 UP bound ask(x1__0_x2__0) 1
 LO bound ask(x1__0_x3__0) 0
 UP bound ask(x1__0_x3__0) 1
 LO bound ask(x2__0_x3__0) 0
 UP bound ask(x2__0_x3__0) 1
ENDATA
