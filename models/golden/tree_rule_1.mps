NAME tree_rule.extended
OBJSENSE
    MAX
ROWS
 N objective
 E one_root
 E leaf.left
 E x1__1.left
 E x1__1.right
 E x1__2.left
 E x1__2.right
 E x1__3.left
 E x1__3.right
 E x1__4.left
 E x1__4.right
 E x2__1.left
 E x2__1.right
COLUMNS
    marker 'MARKER' 'INTORG'
    root(leaf) one_root 1
    root(leaf) leaf.left -1
    root(x1__1) one_root 1
    root(x1__1) x1__1.left -1
    root(x1__1) x1__1.right -1
    root(x1__2) one_root 1
    root(x1__2) x1__2.left -1
    root(x1__2) x1__2.right -1
    root(x1__3) one_root 1
    root(x1__3) x1__3.left -1
    root(x1__3) x1__3.right -1
    root(x1__4) one_root 1
    root(x1__4) x1__4.left -1
    root(x1__4) x1__4.right -1
    root(x2__1) one_root 1
    root(x2__1) x2__1.left -1
    root(x2__1) x2__1.right -1
    marker 'MARKER' 'INTEND'
    leaf.left(leaf) objective 10
    leaf.left(leaf) leaf.left 1
    x1__1.left(leaf) objective 4
    x1__1.left(leaf) x1__1.left 1
    x1__1.right(leaf) objective 9
    x1__1.right(leaf) x1__1.right 1
    x1__2.left(leaf) objective 8
    x1__2.left(leaf) x1__2.left 1
    x1__2.right(leaf) objective 8
    x1__2.right(leaf) x1__2.right 1
    x1__3.left(leaf) objective 8
    x1__3.left(leaf) x1__3.left 1
    x1__3.right(leaf) objective 6
    x1__3.right(leaf) x1__3.right 1
    x1__4.left(leaf) objective 8
    x1__4.left(leaf) x1__4.left 1
    x1__4.right(leaf) objective 3
    x1__4.right(leaf) x1__4.right 1
    x2__1.left(leaf) objective 5
    x2__1.left(leaf) x2__1.left 1
    x2__1.right(leaf) objective 6
    x2__1.right(leaf) x2__1.right 1
RHS
    rhs one_root 1
BOUNDS
 LO bound root(leaf) 0
 UP bound root(leaf) 1
 LO bound root(x1__1) 0
 UP bound root(x1__1) 1
 LO bound root(x1__2) 0
 UP bound root(x1__2) 1
 LO bound root(x1__3) 0
 UP bound root(x1__3) 1
 LO bound root(x1__4) 0
 UP bound root(x1__4) 1
 LO bound root(x2__1) 0
 UP bound root(x2__1) 1
 LO bound leaf.left(leaf) 0
 UP bound leaf.left(leaf) 1
 LO bound x1__1.left(leaf) 0
 UP bound x1__1.left(leaf) 1
 LO bound x1__1.right(leaf) 0
 UP bound x1__1.right(leaf) 1
 LO bound x1__2.left(leaf) 0
 UP bound x1__2.left(leaf) 1
 LO bound x1__2.right(leaf) 0
 UP bound x1__2.right(leaf) 1
 LO bound x1__3.left(leaf) 0
 UP bound x1__3.left(leaf) 1
 LO bound x1__3.right(leaf) 0
 UP bound x1__3.right(leaf) 1
 LO bound x1__4.left(leaf) 0
 UP bound x1__4.left(leaf) 1
 LO bound x1__4.right(leaf) 0
 UP bound x1__4.right(leaf) 1
 LO bound x2__1.left(leaf) 0
 UP bound x2__1.left(leaf) 1
 LO bound x2__1.right(leaf) 0
 UP bound x2__1.right(leaf) 1
ENDATA
