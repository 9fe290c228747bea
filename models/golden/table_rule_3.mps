NAME table_rule.listed
OBJSENSE
    MAX
ROWS
 N objective
 E one_table
COLUMNS
    marker 'MARKER' 'INTORG'
    ask(nothing) one_table 1
    ask(x__2) one_table 1
    ask(x__3) objective 1
    ask(x__3) one_table 1
    ask(x__4) objective 2
    ask(x__4) one_table 1
    ask(x__2_x__4) objective 3
    ask(x__2_x__4) one_table 1
    marker 'MARKER' 'INTEND'
RHS
    rhs one_table 1
BOUNDS
 LO bound ask(nothing) 0
 UP bound ask(nothing) 1
 LO bound ask(x__2) 0
 UP bound ask(x__2) 1
 LO bound ask(x__3) 0
 UP bound ask(x__3) 1
 LO bound ask(x__4) 0
 UP bound ask(x__4) 1
 LO bound ask(x__2_x__4) 0
 UP bound ask(x__2_x__4) 1
ENDATA
