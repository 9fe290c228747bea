NAME arm_clustering
ROWS
 N objective
 E arm(0)
 E arm(1)
 E arm(2)
 L groups
COLUMNS
    marker 'MARKER' 'INTORG'
    group(0) arm(0) 1
    group(0) groups 1
    group(1) arm(1) 1
    group(1) groups 1
    group(0_1) objective 12
    group(0_1) arm(0) 1
    group(0_1) arm(1) 1
    group(0_1) groups 1
    group(2) arm(2) 1
    group(2) groups 1
    group(0_2) objective 48
    group(0_2) arm(0) 1
    group(0_2) arm(2) 1
    group(0_2) groups 1
    group(1_2) objective 24
    group(1_2) arm(1) 1
    group(1_2) arm(2) 1
    group(1_2) groups 1
    group(0_1_2) objective 54.857142857142854
    group(0_1_2) arm(0) 1
    group(0_1_2) arm(1) 1
    group(0_1_2) arm(2) 1
    group(0_1_2) groups 1
    marker 'MARKER' 'INTEND'
RHS
    rhs arm(0) 1
    rhs arm(1) 1
    rhs arm(2) 1
    rhs groups 2
BOUNDS
 LO bound group(0) 0
 UP bound group(0) 1
 LO bound group(1) 0
 UP bound group(1) 1
 LO bound group(0_1) 0
 UP bound group(0_1) 1
 LO bound group(2) 0
 UP bound group(2) 1
 LO bound group(0_2) 0
 UP bound group(0_2) 1
 LO bound group(1_2) 0
 UP bound group(1_2) 1
 LO bound group(0_1_2) 0
 UP bound group(0_1_2) 1
ENDATA
