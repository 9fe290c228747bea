NAME arm_partition
ROWS
 N objective
 E arm(0)
 E arm(1)
 E arm(2)
 E arm(3)
 L groups
COLUMNS
    marker 'MARKER' 'INTORG'
    group(0) arm(0) 1
    group(0) groups 1
    group(1) objective 0.00000000000005684341886080802
    group(1) arm(1) 1
    group(1) groups 1
    group(0_1) objective 144
    group(0_1) arm(0) 1
    group(0_1) arm(1) 1
    group(0_1) groups 1
    group(2) arm(2) 1
    group(2) groups 1
    group(0_2) objective 4
    group(0_2) arm(0) 1
    group(0_2) arm(2) 1
    group(0_2) groups 1
    group(1_2) objective 100
    group(1_2) arm(1) 1
    group(1_2) arm(2) 1
    group(1_2) groups 1
    group(0_1_2) objective 165.33333333333337
    group(0_1_2) arm(0) 1
    group(0_1_2) arm(1) 1
    group(0_1_2) arm(2) 1
    group(0_1_2) groups 1
    group(3) arm(3) 1
    group(3) groups 1
    group(0_3) objective 100
    group(0_3) arm(0) 1
    group(0_3) arm(3) 1
    group(0_3) groups 1
    group(1_3) objective 4
    group(1_3) arm(1) 1
    group(1_3) arm(3) 1
    group(1_3) groups 1
    group(0_1_3) objective 165.33333333333331
    group(0_1_3) arm(0) 1
    group(0_1_3) arm(1) 1
    group(0_1_3) arm(3) 1
    group(0_1_3) groups 1
    group(2_3) objective 64
    group(2_3) arm(2) 1
    group(2_3) arm(3) 1
    group(2_3) groups 1
    group(0_2_3) objective 112
    group(0_2_3) arm(0) 1
    group(0_2_3) arm(2) 1
    group(0_2_3) arm(3) 1
    group(0_2_3) groups 1
    group(1_2_3) objective 112
    group(1_2_3) arm(1) 1
    group(1_2_3) arm(2) 1
    group(1_2_3) arm(3) 1
    group(1_2_3) groups 1
    group(0_1_2_3) objective 208.00000000000006
    group(0_1_2_3) arm(0) 1
    group(0_1_2_3) arm(1) 1
    group(0_1_2_3) arm(2) 1
    group(0_1_2_3) arm(3) 1
    group(0_1_2_3) groups 1
    marker 'MARKER' 'INTEND'
RHS
    rhs arm(0) 1
    rhs arm(1) 1
    rhs arm(2) 1
    rhs arm(3) 1
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
 LO bound group(3) 0
 UP bound group(3) 1
 LO bound group(0_3) 0
 UP bound group(0_3) 1
 LO bound group(1_3) 0
 UP bound group(1_3) 1
 LO bound group(0_1_3) 0
 UP bound group(0_1_3) 1
 LO bound group(2_3) 0
 UP bound group(2_3) 1
 LO bound group(0_2_3) 0
 UP bound group(0_2_3) 1
 LO bound group(1_2_3) 0
 UP bound group(1_2_3) 1
 LO bound group(0_1_2_3) 0
 UP bound group(0_1_2_3) 1
ENDATA
