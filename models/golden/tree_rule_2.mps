NAME tree_rule.extended
OBJSENSE
    MAX
ROWS
 N objective
 E one_root
 E leaf.left
 E x1__0.left
 E x1__0.right
 E x2__0.left
 E x2__0.right
COLUMNS
    marker 'MARKER' 'INTORG'
    root(leaf) one_root 1
    root(leaf) leaf.left -1
    root(x1__0) one_root 1
    root(x1__0) x1__0.left -1
    root(x1__0) x1__0.right -1
    root(x2__0) one_root 1
    root(x2__0) x2__0.left -1
    root(x2__0) x2__0.right -1
    marker 'MARKER' 'INTEND'
    leaf.left(leaf) objective 3
    leaf.left(leaf) leaf.left 1
    x1__0.left(leaf) objective 3
    x1__0.left(leaf) x1__0.left 1
    x1__0.left(x2__0) objective 6
    x1__0.left(x2__0) x1__0.left 1
    x1__0.right(leaf) objective 3
    x1__0.right(leaf) x1__0.right 1
    x1__0.right(x2__0) objective 6
    x1__0.right(x2__0) x1__0.right 1
    x2__0.left(leaf) objective 2
    x2__0.left(leaf) x2__0.left 1
    x2__0.left(x1__0) objective 8
    x2__0.left(x1__0) x2__0.left 1
    x2__0.right(leaf) objective 1
    x2__0.right(leaf) x2__0.right 1
    x2__0.right(x1__0) objective 4
    x2__0.right(x1__0) x2__0.right 1
RHS
    rhs one_root 1
BOUNDS
 LO bound root(leaf) 0
 UP bound root(leaf) 1
 LO bound root(x1__0) 0
 UP bound root(x1__0) 1
 LO bound root(x2__0) 0
 UP bound root(x2__0) 1
 LO bound leaf.left(leaf) 0
 UP bound leaf.left(leaf) 1
 LO bound x1__0.left(leaf) 0
 UP bound x1__0.left(leaf) 1
 LO bound x1__0.left(x2__0) 0
 UP bound x1__0.left(x2__0) 1
 LO bound x1__0.right(leaf) 0
 UP bound x1__0.right(leaf) 1
 LO bound x1__0.right(x2__0) 0
 UP bound x1__0.right(x2__0) 1
 LO bound x2__0.left(leaf) 0
 UP bound x2__0.left(leaf) 1
 LO bound x2__0.left(x1__0) 0
 UP bound x2__0.left(x1__0) 1
 LO bound x2__0.right(leaf) 0
 UP bound x2__0.right(leaf) 1
 LO bound x2__0.right(x1__0) 0
 UP bound x2__0.right(x1__0) 1
ENDATA
