NAME v_maximum_margin
OBJSENSE
    MAX
ROWS
 N objective
 G treated(0)
 G treated(1)
 L untreated(0)
 L untreated(1)
COLUMNS
    margin objective 1
    margin treated(0) -1
    margin treated(1) -1
    margin untreated(0) 1
    margin untreated(1) 1
    intercept treated(0) 1
    intercept treated(1) 1
    intercept untreated(0) 1
    intercept untreated(1) 1
    b(0) treated(0) 3
    b(0) treated(1) 5
    b(0) untreated(1) -1
RHS
BOUNDS
 FR bound margin
 FR bound intercept
 LO bound b(0) -1
 UP bound b(0) 1
ENDATA
