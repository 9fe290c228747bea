//! Propensity scores from each of their sources.

use ndarray::array;

use super::*;

fn with(propensity: PropensityRole) -> Roles {
    Roles { propensity, ..roles() }
}

#[test]
fn constants_and_columns_are_put_in_the_order_of_the_arms() {
    let constants = PropensityRole::Constants(labelled(&[("none", 0.3), ("drug", 0.7)]));
    assert_eq!(study(TRIAL, &with(constants)).unwrap().propensity.row(2), array![0.7, 0.3]);
    let text = "y,a,age,sex,q,r,s\n1,b,1,1,.2,.3,.5\n2,c,2,2,.1,.1,.8\n3,d,3,3,.4,.4,.2\n";
    let by_column = PropensityRole::Columns(columns(&[("b", "s"), ("c", "q"), ("d", "r")]));
    assert_eq!(
        study(text, &with(by_column)).unwrap().propensity,
        array![[0.5, 0.2, 0.3], [0.8, 0.1, 0.1], [0.2, 0.4, 0.4]]
    );
}

#[test]
fn the_treated_column_is_the_probability_of_the_second_arm() {
    let treated = with(PropensityRole::TreatedColumn("p".into()));
    let study = study(TRIAL, &treated).unwrap();
    assert_eq!(study.propensity, array![[0.75, 0.25], [0.5, 0.5], [0.25, 0.75], [0.5, 0.5]]);
}

#[test]
fn one_column_can_serve_two_arms_of_equal_probability() {
    let text = trial_with("0.25,2", "0.5,2").replace("0.75,4", "0.5,4");
    let same = PropensityRole::Columns(columns(&[("none", "p"), ("drug", "p")]));
    assert!(study(&text, &with(same)).is_ok());
}

#[test]
fn a_score_of_0_or_1_or_outside_is_refused_by_its_cell() {
    for (value, shown) in [("0", "0"), ("1", "1"), ("1.5", "1.5"), ("-0.1", "-0.1")] {
        assert_refused(
            study(
                &trial_with("0.75,4", &format!("{value},4")),
                &with(PropensityRole::TreatedColumn("p".into())),
            ),
            &format!(
                "patients.csv, line 4, column \"p\": propensity {shown} of arm \"none\" is not between 0 and 1 \
                 (both excluded); correct it, or drop the units or the arm that chance could not reach"
            ),
        );
    }
    assert_refused(
        study(TRIAL, &with(PropensityRole::Constants(labelled(&[("none", 1.0), ("drug", 0.0)])))),
        "patients.csv: propensity 0 of arm \"drug\" is not between 0 and 1 (both excluded); correct it, or drop \
         the units or the arm that chance could not reach",
    );
    let text = "y,a,age,sex,q,r\n1,b,1,1,.5,.5\n2,c,2,2,0,1\n";
    assert_refused(
        study(text, &with(PropensityRole::Columns(columns(&[("b", "r"), ("c", "q")])))),
        "patients.csv, line 3, column \"r\": propensity 1 of arm \"b\" is not between 0 and 1 (both excluded); \
         correct it, or drop the units or the arm that chance could not reach",
    );
}

#[test]
fn scores_must_sum_to_1() {
    let text = "y,a,age,sex,q,r\n1,b,1,1,.5,.5\n2,c,2,2,.5,.25\n";
    assert_refused(
        study(text, &with(PropensityRole::Columns(columns(&[("b", "q"), ("c", "r")])))),
        "patients.csv, line 3: the propensities of the arms sum to 0.75; they must sum to 1 (to within 1e-6)",
    );
    let nearly = PropensityRole::Constants(labelled(&[("none", 0.3333333), ("drug", 0.6666667)]));
    assert!(study(TRIAL, &with(nearly)).is_ok());
}

#[test]
fn every_arm_needs_a_score_and_no_other_has_one() {
    assert_refused(
        study(TRIAL, &with(PropensityRole::Constants(labelled(&[("none", 0.5)])))),
        "patients.csv: the propensity does not name arm \"drug\"; give one for each of the arms \"drug\", \"none\"",
    );
    assert_refused(
        study(TRIAL, &with(PropensityRole::Columns(columns(&[("none", "p"), ("pill", "fee")])))),
        "patients.csv: the propensity names arm \"pill\", which is not in the data; the arms are \"drug\", \"none\"",
    );
    let three = "y,a,age,sex,p\n1,b,1,1,.5\n2,c,2,2,.5\n3,d,2,2,.5\n";
    assert_refused(
        study(three, &with(PropensityRole::TreatedColumn("p".into()))),
        "patients.csv, column \"p\": one column of propensities serves two arms, but the data have \"b\", \"c\", \
         \"d\"; give a column for each arm",
    );
}
