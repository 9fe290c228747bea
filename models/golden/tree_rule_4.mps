NAME tree_rule.flow
OBJSENSE
    MAX
ROWS
 N objective
 E one_split(1)
 E one_arm(0)
 E one_arm(1)
 E source(0)
 L gate(0.2)
 L gate(0.3)
 E sink(0.0)
 L arm(0.0.0)
 L arm(0.0.1)
 L arm(0.0.2)
 E sink(0.1)
 L arm(0.1.0)
 L arm(0.1.1)
 L arm(0.1.2)
 E source(1)
 L gate(1.2)
 L gate(1.3)
 E sink(1.0)
 L arm(1.0.0)
 L arm(1.0.1)
 L arm(1.0.2)
 E sink(1.1)
 L arm(1.1.0)
 L arm(1.1.1)
 L arm(1.1.2)
 E source(2)
 L gate(2.2)
 L gate(2.3)
 E sink(2.0)
 L arm(2.0.0)
 L arm(2.0.1)
 L arm(2.0.2)
 E sink(2.1)
 L arm(2.1.0)
 L arm(2.1.1)
 L arm(2.1.2)
 E source(3)
 L gate(3.2)
 L gate(3.3)
 E sink(3.0)
 L arm(3.0.0)
 L arm(3.0.1)
 L arm(3.0.2)
 E sink(3.1)
 L arm(3.1.0)
 L arm(3.1.1)
 L arm(3.1.2)
 E source(4)
 L gate(4.2)
 L gate(4.3)
 E sink(4.0)
 L arm(4.0.0)
 L arm(4.0.1)
 L arm(4.0.2)
 E sink(4.1)
 L arm(4.1.0)
 L arm(4.1.1)
 L arm(4.1.2)
COLUMNS
    marker 'MARKER' 'INTORG'
    node1(x1__1) one_split(1) 1
    node1(x1__1) gate(0.2) -1
    node1(x1__1) gate(1.3) -1
    node1(x1__1) gate(2.3) -1
    node1(x1__1) gate(3.3) -1
    node1(x1__1) gate(4.3) -1
    node1(x1__2) one_split(1) 1
    node1(x1__2) gate(0.2) -1
    node1(x1__2) gate(1.2) -1
    node1(x1__2) gate(2.3) -1
    node1(x1__2) gate(3.3) -1
    node1(x1__2) gate(4.3) -1
    node1(x1__3) one_split(1) 1
    node1(x1__3) gate(0.2) -1
    node1(x1__3) gate(1.2) -1
    node1(x1__3) gate(2.2) -1
    node1(x1__3) gate(3.3) -1
    node1(x1__3) gate(4.3) -1
    node1(x1__4) one_split(1) 1
    node1(x1__4) gate(0.2) -1
    node1(x1__4) gate(1.2) -1
    node1(x1__4) gate(2.2) -1
    node1(x1__4) gate(3.2) -1
    node1(x1__4) gate(4.3) -1
    node1(x2__1) one_split(1) 1
    node1(x2__1) gate(0.3) -1
    node1(x2__1) gate(1.2) -1
    node1(x2__1) gate(2.3) -1
    node1(x2__1) gate(3.2) -1
    node1(x2__1) gate(4.3) -1
    node1(all_left) one_split(1) 1
    node1(all_left) gate(0.2) -1
    node1(all_left) gate(1.2) -1
    node1(all_left) gate(2.2) -1
    node1(all_left) gate(3.2) -1
    node1(all_left) gate(4.2) -1
    leaf0(a) one_arm(0) 1
    leaf0(a) arm(0.0.0) -1
    leaf0(a) arm(1.0.0) -1
    leaf0(a) arm(2.0.0) -1
    leaf0(a) arm(3.0.0) -1
    leaf0(a) arm(4.0.0) -1
    leaf0(b) one_arm(0) 1
    leaf0(b) arm(0.0.1) -1
    leaf0(b) arm(1.0.1) -1
    leaf0(b) arm(2.0.1) -1
    leaf0(b) arm(3.0.1) -1
    leaf0(b) arm(4.0.1) -1
    leaf0(c) one_arm(0) 1
    leaf0(c) arm(0.0.2) -1
    leaf0(c) arm(1.0.2) -1
    leaf0(c) arm(2.0.2) -1
    leaf0(c) arm(3.0.2) -1
    leaf0(c) arm(4.0.2) -1
    leaf1(a) one_arm(1) 1
    leaf1(a) arm(0.1.0) -1
    leaf1(a) arm(1.1.0) -1
    leaf1(a) arm(2.1.0) -1
    leaf1(a) arm(3.1.0) -1
    leaf1(a) arm(4.1.0) -1
    leaf1(b) one_arm(1) 1
    leaf1(b) arm(0.1.1) -1
    leaf1(b) arm(1.1.1) -1
    leaf1(b) arm(2.1.1) -1
    leaf1(b) arm(3.1.1) -1
    leaf1(b) arm(4.1.1) -1
    leaf1(c) one_arm(1) 1
    leaf1(c) arm(0.1.2) -1
    leaf1(c) arm(1.1.2) -1
    leaf1(c) arm(2.1.2) -1
    leaf1(c) arm(3.1.2) -1
    leaf1(c) arm(4.1.2) -1
    marker 'MARKER' 'INTEND'
    into(0.2) source(0) 1
    into(0.2) gate(0.2) 1
    into(0.2) sink(0.0) -1
    into(0.3) source(0) 1
    into(0.3) gate(0.3) 1
    into(0.3) sink(0.1) -1
    into(1.2) source(1) 1
    into(1.2) gate(1.2) 1
    into(1.2) sink(1.0) -1
    into(1.3) source(1) 1
    into(1.3) gate(1.3) 1
    into(1.3) sink(1.1) -1
    into(2.2) source(2) 1
    into(2.2) gate(2.2) 1
    into(2.2) sink(2.0) -1
    into(2.3) source(2) 1
    into(2.3) gate(2.3) 1
    into(2.3) sink(2.1) -1
    into(3.2) source(3) 1
    into(3.2) gate(3.2) 1
    into(3.2) sink(3.0) -1
    into(3.3) source(3) 1
    into(3.3) gate(3.3) 1
    into(3.3) sink(3.1) -1
    into(4.2) source(4) 1
    into(4.2) gate(4.2) 1
    into(4.2) sink(4.0) -1
    into(4.3) source(4) 1
    into(4.3) gate(4.3) 1
    into(4.3) sink(4.1) -1
    out(0.0.a) objective 4
    out(0.0.a) sink(0.0) 1
    out(0.0.a) arm(0.0.0) 1
    out(0.0.b) sink(0.0) 1
    out(0.0.b) arm(0.0.1) 1
    out(0.0.c) objective 1
    out(0.0.c) sink(0.0) 1
    out(0.0.c) arm(0.0.2) 1
    out(0.1.a) objective 4
    out(0.1.a) sink(0.1) 1
    out(0.1.a) arm(0.1.0) 1
    out(0.1.b) sink(0.1) 1
    out(0.1.b) arm(0.1.1) 1
    out(0.1.c) objective 1
    out(0.1.c) sink(0.1) 1
    out(0.1.c) arm(0.1.2) 1
    out(1.0.a) objective 4
    out(1.0.a) sink(1.0) 1
    out(1.0.a) arm(1.0.0) 1
    out(1.0.b) sink(1.0) 1
    out(1.0.b) arm(1.0.1) 1
    out(1.0.c) objective 1
    out(1.0.c) sink(1.0) 1
    out(1.0.c) arm(1.0.2) 1
    out(1.1.a) objective 4
    out(1.1.a) sink(1.1) 1
    out(1.1.a) arm(1.1.0) 1
    out(1.1.b) sink(1.1) 1
    out(1.1.b) arm(1.1.1) 1
    out(1.1.c) objective 1
    out(1.1.c) sink(1.1) 1
    out(1.1.c) arm(1.1.2) 1
    out(2.0.a) sink(2.0) 1
    out(2.0.a) arm(2.0.0) 1
    out(2.0.b) objective 3
    out(2.0.b) sink(2.0) 1
    out(2.0.b) arm(2.0.1) 1
    out(2.0.c) objective 2
    out(2.0.c) sink(2.0) 1
    out(2.0.c) arm(2.0.2) 1
    out(2.1.a) sink(2.1) 1
    out(2.1.a) arm(2.1.0) 1
    out(2.1.b) objective 3
    out(2.1.b) sink(2.1) 1
    out(2.1.b) arm(2.1.1) 1
    out(2.1.c) objective 2
    out(2.1.c) sink(2.1) 1
    out(2.1.c) arm(2.1.2) 1
    out(3.0.a) sink(3.0) 1
    out(3.0.a) arm(3.0.0) 1
    out(3.0.b) objective 1
    out(3.0.b) sink(3.0) 1
    out(3.0.b) arm(3.0.1) 1
    out(3.0.c) objective 4
    out(3.0.c) sink(3.0) 1
    out(3.0.c) arm(3.0.2) 1
    out(3.1.a) sink(3.1) 1
    out(3.1.a) arm(3.1.0) 1
    out(3.1.b) objective 1
    out(3.1.b) sink(3.1) 1
    out(3.1.b) arm(3.1.1) 1
    out(3.1.c) objective 4
    out(3.1.c) sink(3.1) 1
    out(3.1.c) arm(3.1.2) 1
    out(4.0.a) sink(4.0) 1
    out(4.0.a) arm(4.0.0) 1
    out(4.0.b) objective 3
    out(4.0.b) sink(4.0) 1
    out(4.0.b) arm(4.0.1) 1
    out(4.0.c) objective 2
    out(4.0.c) sink(4.0) 1
    out(4.0.c) arm(4.0.2) 1
    out(4.1.a) sink(4.1) 1
    out(4.1.a) arm(4.1.0) 1
    out(4.1.b) objective 3
    out(4.1.b) sink(4.1) 1
    out(4.1.b) arm(4.1.1) 1
    out(4.1.c) objective 2
    out(4.1.c) sink(4.1) 1
    out(4.1.c) arm(4.1.2) 1
RHS
    rhs one_split(1) 1
    rhs one_arm(0) 1
    rhs one_arm(1) 1
    rhs source(0) 1
    rhs source(1) 1
    rhs source(2) 1
    rhs source(3) 1
    rhs source(4) 1
BOUNDS
 LO bound node1(x1__1) 0
 UP bound node1(x1__1) 1
 LO bound node1(x1__2) 0
 UP bound node1(x1__2) 1
 LO bound node1(x1__3) 0
 UP bound node1(x1__3) 1
 LO bound node1(x1__4) 0
 UP bound node1(x1__4) 1
 LO bound node1(x2__1) 0
 UP bound node1(x2__1) 1
 LO bound node1(all_left) 0
 UP bound node1(all_left) 1
 LO bound leaf0(a) 0
 UP bound leaf0(a) 1
 LO bound leaf0(b) 0
 UP bound leaf0(b) 1
 LO bound leaf0(c) 0
 UP bound leaf0(c) 1
 LO bound leaf1(a) 0
 UP bound leaf1(a) 1
 LO bound leaf1(b) 0
 UP bound leaf1(b) 1
 LO bound leaf1(c) 0
 UP bound leaf1(c) 1
 LO bound into(0.2) 0
 UP bound into(0.2) 1
 LO bound into(0.3) 0
 UP bound into(0.3) 1
 LO bound into(1.2) 0
 UP bound into(1.2) 1
 LO bound into(1.3) 0
 UP bound into(1.3) 1
 LO bound into(2.2) 0
 UP bound into(2.2) 1
 LO bound into(2.3) 0
 UP bound into(2.3) 1
 LO bound into(3.2) 0
 UP bound into(3.2) 1
 LO bound into(3.3) 0
 UP bound into(3.3) 1
 LO bound into(4.2) 0
 UP bound into(4.2) 1
 LO bound into(4.3) 0
 UP bound into(4.3) 1
 LO bound out(0.0.a) 0
 UP bound out(0.0.a) 1
 LO bound out(0.0.b) 0
 UP bound out(0.0.b) 1
 LO bound out(0.0.c) 0
 UP bound out(0.0.c) 1
 LO bound out(0.1.a) 0
 UP bound out(0.1.a) 1
 LO bound out(0.1.b) 0
 UP bound out(0.1.b) 1
 LO bound out(0.1.c) 0
 UP bound out(0.1.c) 1
 LO bound out(1.0.a) 0
 UP bound out(1.0.a) 1
 LO bound out(1.0.b) 0
 UP bound out(1.0.b) 1
 LO bound out(1.0.c) 0
 UP bound out(1.0.c) 1
 LO bound out(1.1.a) 0
 UP bound out(1.1.a) 1
 LO bound out(1.1.b) 0
 UP bound out(1.1.b) 1
 LO bound out(1.1.c) 0
 UP bound out(1.1.c) 1
 LO bound out(2.0.a) 0
 UP bound out(2.0.a) 1
 LO bound out(2.0.b) 0
 UP bound out(2.0.b) 1
 LO bound out(2.0.c) 0
 UP bound out(2.0.c) 1
 LO bound out(2.1.a) 0
 UP bound out(2.1.a) 1
 LO bound out(2.1.b) 0
 UP bound out(2.1.b) 1
 LO bound out(2.1.c) 0
 UP bound out(2.1.c) 1
 LO bound out(3.0.a) 0
 UP bound out(3.0.a) 1
 LO bound out(3.0.b) 0
 UP bound out(3.0.b) 1
 LO bound out(3.0.c) 0
 UP bound out(3.0.c) 1
 LO bound out(3.1.a) 0
 UP bound out(3.1.a) 1
 LO bound out(3.1.b) 0
 UP bound out(3.1.b) 1
 LO bound out(3.1.c) 0
 UP bound out(3.1.c) 1
 LO bound out(4.0.a) 0
 UP bound out(4.0.a) 1
 LO bound out(4.0.b) 0
 UP bound out(4.0.b) 1
 LO bound out(4.0.c) 0
 UP bound out(4.0.c) 1
 LO bound out(4.1.a) 0
 UP bound out(4.1.a) 1
 LO bound out(4.1.b) 0
 UP bound out(4.1.b) 1
 LO bound out(4.1.c) 0
 UP bound out(4.1.c) 1
ENDATA
