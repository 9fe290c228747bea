NAME tree_rule.flow
OBJSENSE
    MAX
ROWS
 N objective
 E one_split(1)
 E one_split(2)
 E one_split(3)
 E one_arm(0)
 E one_arm(1)
 E one_arm(2)
 E one_arm(3)
 E source(0)
 L gate(0.2)
 L gate(0.3)
 E conserve(0.2)
 L gate(0.4)
 L gate(0.5)
 E conserve(0.3)
 L gate(0.6)
 L gate(0.7)
 E sink(0.0)
 L arm(0.0.0)
 L arm(0.0.1)
 E sink(0.1)
 L arm(0.1.0)
 L arm(0.1.1)
 E sink(0.2)
 L arm(0.2.0)
 L arm(0.2.1)
 E sink(0.3)
 L arm(0.3.0)
 L arm(0.3.1)
 E source(1)
 L gate(1.2)
 L gate(1.3)
 E conserve(1.2)
 L gate(1.4)
 L gate(1.5)
 E conserve(1.3)
 L gate(1.6)
 L gate(1.7)
 E sink(1.0)
 L arm(1.0.0)
 L arm(1.0.1)
 E sink(1.1)
 L arm(1.1.0)
 L arm(1.1.1)
 E sink(1.2)
 L arm(1.2.0)
 L arm(1.2.1)
 E sink(1.3)
 L arm(1.3.0)
 L arm(1.3.1)
 E source(2)
 L gate(2.2)
 L gate(2.3)
 E conserve(2.2)
 L gate(2.4)
 L gate(2.5)
 E conserve(2.3)
 L gate(2.6)
 L gate(2.7)
 E sink(2.0)
 L arm(2.0.0)
 L arm(2.0.1)
 E sink(2.1)
 L arm(2.1.0)
 L arm(2.1.1)
 E sink(2.2)
 L arm(2.2.0)
 L arm(2.2.1)
 E sink(2.3)
 L arm(2.3.0)
 L arm(2.3.1)
 E source(3)
 L gate(3.2)
 L gate(3.3)
 E conserve(3.2)
 L gate(3.4)
 L gate(3.5)
 E conserve(3.3)
 L gate(3.6)
 L gate(3.7)
 E sink(3.0)
 L arm(3.0.0)
 L arm(3.0.1)
 E sink(3.1)
 L arm(3.1.0)
 L arm(3.1.1)
 E sink(3.2)
 L arm(3.2.0)
 L arm(3.2.1)
 E sink(3.3)
 L arm(3.3.0)
 L arm(3.3.1)
COLUMNS
    marker 'MARKER' 'INTORG'
    node1(x1__0) one_split(1) 1
    node1(x1__0) gate(0.2) -1
    node1(x1__0) gate(1.2) -1
    node1(x1__0) gate(2.3) -1
    node1(x1__0) gate(3.3) -1
    node1(x2__0) one_split(1) 1
    node1(x2__0) gate(0.2) -1
    node1(x2__0) gate(1.3) -1
    node1(x2__0) gate(2.2) -1
    node1(x2__0) gate(3.3) -1
    node1(all_left) one_split(1) 1
    node1(all_left) gate(0.2) -1
    node1(all_left) gate(1.2) -1
    node1(all_left) gate(2.2) -1
    node1(all_left) gate(3.2) -1
    node2(x1__0) one_split(2) 1
    node2(x1__0) gate(0.4) -1
    node2(x1__0) gate(1.4) -1
    node2(x1__0) gate(2.5) -1
    node2(x1__0) gate(3.5) -1
    node2(x2__0) one_split(2) 1
    node2(x2__0) gate(0.4) -1
    node2(x2__0) gate(1.5) -1
    node2(x2__0) gate(2.4) -1
    node2(x2__0) gate(3.5) -1
    node2(all_left) one_split(2) 1
    node2(all_left) gate(0.4) -1
    node2(all_left) gate(1.4) -1
    node2(all_left) gate(2.4) -1
    node2(all_left) gate(3.4) -1
    node3(x1__0) one_split(3) 1
    node3(x1__0) gate(0.6) -1
    node3(x1__0) gate(1.6) -1
    node3(x1__0) gate(2.7) -1
    node3(x1__0) gate(3.7) -1
    node3(x2__0) one_split(3) 1
    node3(x2__0) gate(0.6) -1
    node3(x2__0) gate(1.7) -1
    node3(x2__0) gate(2.6) -1
    node3(x2__0) gate(3.7) -1
    node3(all_left) one_split(3) 1
    node3(all_left) gate(0.6) -1
    node3(all_left) gate(1.6) -1
    node3(all_left) gate(2.6) -1
    node3(all_left) gate(3.6) -1
    leaf0(a) one_arm(0) 1
    leaf0(a) arm(0.0.0) -1
    leaf0(a) arm(1.0.0) -1
    leaf0(a) arm(2.0.0) -1
    leaf0(a) arm(3.0.0) -1
    leaf0(b) one_arm(0) 1
    leaf0(b) arm(0.0.1) -1
    leaf0(b) arm(1.0.1) -1
    leaf0(b) arm(2.0.1) -1
    leaf0(b) arm(3.0.1) -1
    leaf1(a) one_arm(1) 1
    leaf1(a) arm(0.1.0) -1
    leaf1(a) arm(1.1.0) -1
    leaf1(a) arm(2.1.0) -1
    leaf1(a) arm(3.1.0) -1
    leaf1(b) one_arm(1) 1
    leaf1(b) arm(0.1.1) -1
    leaf1(b) arm(1.1.1) -1
    leaf1(b) arm(2.1.1) -1
    leaf1(b) arm(3.1.1) -1
    leaf2(a) one_arm(2) 1
    leaf2(a) arm(0.2.0) -1
    leaf2(a) arm(1.2.0) -1
    leaf2(a) arm(2.2.0) -1
    leaf2(a) arm(3.2.0) -1
    leaf2(b) one_arm(2) 1
    leaf2(b) arm(0.2.1) -1
    leaf2(b) arm(1.2.1) -1
    leaf2(b) arm(2.2.1) -1
    leaf2(b) arm(3.2.1) -1
    leaf3(a) one_arm(3) 1
    leaf3(a) arm(0.3.0) -1
    leaf3(a) arm(1.3.0) -1
    leaf3(a) arm(2.3.0) -1
    leaf3(a) arm(3.3.0) -1
    leaf3(b) one_arm(3) 1
    leaf3(b) arm(0.3.1) -1
    leaf3(b) arm(1.3.1) -1
    leaf3(b) arm(2.3.1) -1
    leaf3(b) arm(3.3.1) -1
    marker 'MARKER' 'INTEND'
    into(0.2) source(0) 1
    into(0.2) gate(0.2) 1
    into(0.2) conserve(0.2) -1
    into(0.3) source(0) 1
    into(0.3) gate(0.3) 1
    into(0.3) conserve(0.3) -1
    into(0.4) conserve(0.2) 1
    into(0.4) gate(0.4) 1
    into(0.4) sink(0.0) -1
    into(0.5) conserve(0.2) 1
    into(0.5) gate(0.5) 1
    into(0.5) sink(0.1) -1
    into(0.6) conserve(0.3) 1
    into(0.6) gate(0.6) 1
    into(0.6) sink(0.2) -1
    into(0.7) conserve(0.3) 1
    into(0.7) gate(0.7) 1
    into(0.7) sink(0.3) -1
    into(1.2) source(1) 1
    into(1.2) gate(1.2) 1
    into(1.2) conserve(1.2) -1
    into(1.3) source(1) 1
    into(1.3) gate(1.3) 1
    into(1.3) conserve(1.3) -1
    into(1.4) conserve(1.2) 1
    into(1.4) gate(1.4) 1
    into(1.4) sink(1.0) -1
    into(1.5) conserve(1.2) 1
    into(1.5) gate(1.5) 1
    into(1.5) sink(1.1) -1
    into(1.6) conserve(1.3) 1
    into(1.6) gate(1.6) 1
    into(1.6) sink(1.2) -1
    into(1.7) conserve(1.3) 1
    into(1.7) gate(1.7) 1
    into(1.7) sink(1.3) -1
    into(2.2) source(2) 1
    into(2.2) gate(2.2) 1
    into(2.2) conserve(2.2) -1
    into(2.3) source(2) 1
    into(2.3) gate(2.3) 1
    into(2.3) conserve(2.3) -1
    into(2.4) conserve(2.2) 1
    into(2.4) gate(2.4) 1
    into(2.4) sink(2.0) -1
    into(2.5) conserve(2.2) 1
    into(2.5) gate(2.5) 1
    into(2.5) sink(2.1) -1
    into(2.6) conserve(2.3) 1
    into(2.6) gate(2.6) 1
    into(2.6) sink(2.2) -1
    into(2.7) conserve(2.3) 1
    into(2.7) gate(2.7) 1
    into(2.7) sink(2.3) -1
    into(3.2) source(3) 1
    into(3.2) gate(3.2) 1
    into(3.2) conserve(3.2) -1
    into(3.3) source(3) 1
    into(3.3) gate(3.3) 1
    into(3.3) conserve(3.3) -1
    into(3.4) conserve(3.2) 1
    into(3.4) gate(3.4) 1
    into(3.4) sink(3.0) -1
    into(3.5) conserve(3.2) 1
    into(3.5) gate(3.5) 1
    into(3.5) sink(3.1) -1
    into(3.6) conserve(3.3) 1
    into(3.6) gate(3.6) 1
    into(3.6) sink(3.2) -1
    into(3.7) conserve(3.3) 1
    into(3.7) gate(3.7) 1
    into(3.7) sink(3.3) -1
    out(0.0.a) objective 4
    out(0.0.a) sink(0.0) 1
    out(0.0.a) arm(0.0.0) 1
    out(0.0.b) objective -2
    out(0.0.b) sink(0.0) 1
    out(0.0.b) arm(0.0.1) 1
    out(0.1.a) objective 4
    out(0.1.a) sink(0.1) 1
    out(0.1.a) arm(0.1.0) 1
    out(0.1.b) objective -2
    out(0.1.b) sink(0.1) 1
    out(0.1.b) arm(0.1.1) 1
    out(0.2.a) objective 4
    out(0.2.a) sink(0.2) 1
    out(0.2.a) arm(0.2.0) 1
    out(0.2.b) objective -2
    out(0.2.b) sink(0.2) 1
    out(0.2.b) arm(0.2.1) 1
    out(0.3.a) objective 4
    out(0.3.a) sink(0.3) 1
    out(0.3.a) arm(0.3.0) 1
    out(0.3.b) objective -2
    out(0.3.b) sink(0.3) 1
    out(0.3.b) arm(0.3.1) 1
    out(1.0.a) objective -1
    out(1.0.a) sink(1.0) 1
    out(1.0.a) arm(1.0.0) 1
    out(1.0.b) objective 2
    out(1.0.b) sink(1.0) 1
    out(1.0.b) arm(1.0.1) 1
    out(1.1.a) objective -1
    out(1.1.a) sink(1.1) 1
    out(1.1.a) arm(1.1.0) 1
    out(1.1.b) objective 2
    out(1.1.b) sink(1.1) 1
    out(1.1.b) arm(1.1.1) 1
    out(1.2.a) objective -1
    out(1.2.a) sink(1.2) 1
    out(1.2.a) arm(1.2.0) 1
    out(1.2.b) objective 2
    out(1.2.b) sink(1.2) 1
    out(1.2.b) arm(1.2.1) 1
    out(1.3.a) objective -1
    out(1.3.a) sink(1.3) 1
    out(1.3.a) arm(1.3.0) 1
    out(1.3.b) objective 2
    out(1.3.b) sink(1.3) 1
    out(1.3.b) arm(1.3.1) 1
    out(2.0.a) objective -2
    out(2.0.a) sink(2.0) 1
    out(2.0.a) arm(2.0.0) 1
    out(2.0.b) objective 4
    out(2.0.b) sink(2.0) 1
    out(2.0.b) arm(2.0.1) 1
    out(2.1.a) objective -2
    out(2.1.a) sink(2.1) 1
    out(2.1.a) arm(2.1.0) 1
    out(2.1.b) objective 4
    out(2.1.b) sink(2.1) 1
    out(2.1.b) arm(2.1.1) 1
    out(2.2.a) objective -2
    out(2.2.a) sink(2.2) 1
    out(2.2.a) arm(2.2.0) 1
    out(2.2.b) objective 4
    out(2.2.b) sink(2.2) 1
    out(2.2.b) arm(2.2.1) 1
    out(2.3.a) objective -2
    out(2.3.a) sink(2.3) 1
    out(2.3.a) arm(2.3.0) 1
    out(2.3.b) objective 4
    out(2.3.b) sink(2.3) 1
    out(2.3.b) arm(2.3.1) 1
    out(3.0.a) objective 2
    out(3.0.a) sink(3.0) 1
    out(3.0.a) arm(3.0.0) 1
    out(3.0.b) objective -1
    out(3.0.b) sink(3.0) 1
    out(3.0.b) arm(3.0.1) 1
    out(3.1.a) objective 2
    out(3.1.a) sink(3.1) 1
    out(3.1.a) arm(3.1.0) 1
    out(3.1.b) objective -1
    out(3.1.b) sink(3.1) 1
    out(3.1.b) arm(3.1.1) 1
    out(3.2.a) objective 2
    out(3.2.a) sink(3.2) 1
    out(3.2.a) arm(3.2.0) 1
    out(3.2.b) objective -1
    out(3.2.b) sink(3.2) 1
    out(3.2.b) arm(3.2.1) 1
    out(3.3.a) objective 2
    out(3.3.a) sink(3.3) 1
    out(3.3.a) arm(3.3.0) 1
    out(3.3.b) objective -1
    out(3.3.b) sink(3.3) 1
    out(3.3.b) arm(3.3.1) 1
RHS
    rhs one_split(1) 1
    rhs one_split(2) 1
    rhs one_split(3) 1
    rhs one_arm(0) 1
    rhs one_arm(1) 1
    rhs one_arm(2) 1
    rhs one_arm(3) 1
    rhs source(0) 1
    rhs source(1) 1
    rhs source(2) 1
    rhs source(3) 1
BOUNDS
 LO bound node1(x1__0) 0
 UP bound node1(x1__0) 1
 LO bound node1(x2__0) 0
 UP bound node1(x2__0) 1
 LO bound node1(all_left) 0
 UP bound node1(all_left) 1
 LO bound node2(x1__0) 0
 UP bound node2(x1__0) 1
 LO bound node2(x2__0) 0
 UP bound node2(x2__0) 1
 LO bound node2(all_left) 0
 UP bound node2(all_left) 1
 LO bound node3(x1__0) 0
 UP bound node3(x1__0) 1
 LO bound node3(x2__0) 0
 UP bound node3(x2__0) 1
 LO bound node3(all_left) 0
 UP bound node3(all_left) 1
 LO bound leaf0(a) 0
 UP bound leaf0(a) 1
 LO bound leaf0(b) 0
 UP bound leaf0(b) 1
 LO bound leaf1(a) 0
 UP bound leaf1(a) 1
 LO bound leaf1(b) 0
 UP bound leaf1(b) 1
 LO bound leaf2(a) 0
 UP bound leaf2(a) 1
 LO bound leaf2(b) 0
 UP bound leaf2(b) 1
 LO bound leaf3(a) 0
 UP bound leaf3(a) 1
 LO bound leaf3(b) 0
 UP bound leaf3(b) 1
 LO bound into(0.2) 0
 UP bound into(0.2) 1
 LO bound into(0.3) 0
 UP bound into(0.3) 1
 LO bound into(0.4) 0
 UP bound into(0.4) 1
 LO bound into(0.5) 0
 UP bound into(0.5) 1
 LO bound into(0.6) 0
 UP bound into(0.6) 1
 LO bound into(0.7) 0
 UP bound into(0.7) 1
 LO bound into(1.2) 0
 UP bound into(1.2) 1
 LO bound into(1.3) 0
 UP bound into(1.3) 1
 LO bound into(1.4) 0
 UP bound into(1.4) 1
 LO bound into(1.5) 0
 UP bound into(1.5) 1
 LO bound into(1.6) 0
 UP bound into(1.6) 1
 LO bound into(1.7) 0
 UP bound into(1.7) 1
 LO bound into(2.2) 0
 UP bound into(2.2) 1
 LO bound into(2.3) 0
 UP bound into(2.3) 1
 LO bound into(2.4) 0
 UP bound into(2.4) 1
 LO bound into(2.5) 0
 UP bound into(2.5) 1
 LO bound into(2.6) 0
 UP bound into(2.6) 1
 LO bound into(2.7) 0
 UP bound into(2.7) 1
 LO bound into(3.2) 0
 UP bound into(3.2) 1
 LO bound into(3.3) 0
 UP bound into(3.3) 1
 LO bound into(3.4) 0
 UP bound into(3.4) 1
 LO bound into(3.5) 0
 UP bound into(3.5) 1
 LO bound into(3.6) 0
 UP bound into(3.6) 1
 LO bound into(3.7) 0
 UP bound into(3.7) 1
 LO bound out(0.0.a) 0
 UP bound out(0.0.a) 1
 LO bound out(0.0.b) 0
 UP bound out(0.0.b) 1
 LO bound out(0.1.a) 0
 UP bound out(0.1.a) 1
 LO bound out(0.1.b) 0
 UP bound out(0.1.b) 1
 LO bound out(0.2.a) 0
 UP bound out(0.2.a) 1
 LO bound out(0.2.b) 0
 UP bound out(0.2.b) 1
 LO bound out(0.3.a) 0
 UP bound out(0.3.a) 1
 LO bound out(0.3.b) 0
 UP bound out(0.3.b) 1
 LO bound out(1.0.a) 0
 UP bound out(1.0.a) 1
 LO bound out(1.0.b) 0
 UP bound out(1.0.b) 1
 LO bound out(1.1.a) 0
 UP bound out(1.1.a) 1
 LO bound out(1.1.b) 0
 UP bound out(1.1.b) 1
 LO bound out(1.2.a) 0
 UP bound out(1.2.a) 1
 LO bound out(1.2.b) 0
 UP bound out(1.2.b) 1
 LO bound out(1.3.a) 0
 UP bound out(1.3.a) 1
 LO bound out(1.3.b) 0
 UP bound out(1.3.b) 1
 LO bound out(2.0.a) 0
 UP bound out(2.0.a) 1
 LO bound out(2.0.b) 0
 UP bound out(2.0.b) 1
 LO bound out(2.1.a) 0
 UP bound out(2.1.a) 1
 LO bound out(2.1.b) 0
 UP bound out(2.1.b) 1
 LO bound out(2.2.a) 0
 UP bound out(2.2.a) 1
 LO bound out(2.2.b) 0
 UP bound out(2.2.b) 1
 LO bound out(2.3.a) 0
 UP bound out(2.3.a) 1
 LO bound out(2.3.b) 0
 UP bound out(2.3.b) 1
 LO bound out(3.0.a) 0
 UP bound out(3.0.a) 1
 LO bound out(3.0.b) 0
 UP bound out(3.0.b) 1
 LO bound out(3.1.a) 0
 UP bound out(3.1.a) 1
 LO bound out(3.1.b) 0
 UP bound out(3.1.b) 1
 LO bound out(3.2.a) 0
 UP bound out(3.2.a) 1
 LO bound out(3.2.b) 0
 UP bound out(3.2.b) 1
 LO bound out(3.3.a) 0
 UP bound out(3.3.a) 1
 LO bound out(3.3.b) 0
 UP bound out(3.3.b) 1
ENDATA
