NAME tree_rule.extended
OBJSENSE
    MAX
ROWS
 N objective
 E one_root
 E leaf.left
 E x__2.left
 E x__2.right
 E x__3.left
 E x__3.right
 E x__4.left
 E x__4.right
COLUMNS
    marker 'MARKER' 'INTORG'
    root(leaf) one_root 1
    root(leaf) leaf.left -1
    root(x__2) one_root 1
    root(x__2) x__2.left -1
    root(x__2) x__2.right -1
    root(x__3) one_root 1
    root(x__3) x__3.left -1
    root(x__3) x__3.right -1
    root(x__4) one_root 1
    root(x__4) x__4.left -1
    root(x__4) x__4.right -1
    marker 'MARKER' 'INTEND'
    leaf.left(leaf) objective 11
    leaf.left(leaf) leaf.left 1
    x__2.left(leaf) objective 8
    x__2.left(leaf) x__2.left 1
    x__2.right(leaf) objective 4
    x__2.right(leaf) x__2.right 1
    x__2.right(x__4) objective 5
    x__2.right(x__4) x__2.right 1
    x__3.left(leaf) objective 8
    x__3.left(leaf) x__3.left 1
    x__3.right(leaf) objective 3
    x__3.right(leaf) x__3.right 1
    x__4.left(leaf) objective 8
    x__4.left(leaf) x__4.left 1
    x__4.left(x__2) objective 10
    x__4.left(x__2) x__4.left 1
    x__4.right(leaf) objective 3
    x__4.right(leaf) x__4.right 1
RHS
    rhs one_root 1
BOUNDS
 LO bound root(leaf) 0
 UP bound root(leaf) 1
 LO bound root(x__2) 0
 UP bound root(x__2) 1
 LO bound root(x__3) 0
 UP bound root(x__3) 1
 LO bound root(x__4) 0
 UP bound root(x__4) 1
 LO bound leaf.left(leaf) 0
 UP bound leaf.left(leaf) 1
 LO bound x__2.left(leaf) 0
 UP bound x__2.left(leaf) 1
 LO bound x__2.right(leaf) 0
 UP bound x__2.right(leaf) 1
 LO bound x__2.right(x__4) 0
 UP bound x__2.right(x__4) 1
 LO bound x__3.left(leaf) 0
 UP bound x__3.left(leaf) 1
 LO bound x__3.right(leaf) 0
 UP bound x__3.right(leaf) 1
 LO bound x__4.left(leaf) 0
 UP bound x__4.left(leaf) 1
 LO bound x__4.left(x__2) 0
 UP bound x__4.left(x__2) 1
 LO bound x__4.right(leaf) 0
 UP bound x__4.right(leaf) 1
ENDATA
