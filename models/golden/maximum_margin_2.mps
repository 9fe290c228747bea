NAME v_maximum_margin
OBJSENSE
    MAX
ROWS
 N objective
 G treated(0)
 G treated(1)
 G treated(2)
 L untreated(0)
 L untreated(1)
 L untreated(2)
COLUMNS
    margin objective 1
    margin treated(0) -1
    margin treated(1) -1
    margin treated(2) -1
    margin untreated(0) 1
    margin untreated(1) 1
    margin untreated(2) 1
    intercept treated(0) 1
    intercept treated(1) 1
    intercept treated(2) 1
    intercept untreated(0) 1
    intercept untreated(1) 1
    intercept untreated(2) 1
    b(0) treated(0) 1
    b(0) treated(1) 2
    b(0) treated(2) 1
    b(0) untreated(1) -1
    b(0) untreated(2) 1
    b(1) treated(0) 1
    b(1) treated(1) 1
    b(1) treated(2) 3
    b(1) untreated(1) 1
    b(1) untreated(2) -1
RHS
BOUNDS
 FR bound margin
 FR bound intercept
 LO bound b(0) -1
 UP bound b(0) 1
 LO bound b(1) -1
 UP bound b(1) 1
ENDATA
