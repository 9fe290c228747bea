//! The labels of the arms and their order.

use super::*;

fn arms_of(labels: &[&str], arms: Option<&[&str]>) -> Result<Study, DataError> {
    let rows: Vec<String> =
        labels.iter().enumerate().map(|(i, label)| format!("{i},{label},{i},{i}")).collect();
    let arms = arms.map(|arms| arms.iter().map(|&arm| arm.to_owned()).collect());
    study(&format!("y,a,age,sex\n{}\n", rows.join("\n")), &Roles { arms, ..roles() })
}

#[test]
fn labels_are_sorted_as_numbers_only_where_all_are_numbers() {
    assert_eq!(arms_of(&["10", "9", "-1", "9"], None).unwrap().arms, ["-1", "9", "10"]);
    assert_eq!(arms_of(&["10", "9", "b"], None).unwrap().arms, ["10", "9", "b"]);
}

#[test]
fn the_order_given_decides_which_arm_is_the_control() {
    let study = arms_of(&["b", "c", "a"], Some(&["c", "a", "b"])).unwrap();
    assert_eq!(study.arms, ["c", "a", "b"]);
    assert_eq!(study.arm, [2, 0, 1]);
}

#[test]
fn the_order_given_must_name_each_arm_once() {
    for given in [&["b", "c"][..], &["a", "b", "c", "d"], &["a", "b", "c", "c"]] {
        let listed = given.iter().map(|arm| format!("{arm:?}")).collect::<Vec<_>>().join(", ");
        assert_refused(
            arms_of(&["b", "c", "a"], Some(given)),
            &format!(
                "patients.csv, column \"a\": the arms given are {listed}, the arms in the data \"a\", \"b\", \
                 \"c\"; name each arm of the data once"
            ),
        );
    }
}
