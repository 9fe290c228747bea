//! From a file to a study: the bytes are read once, every cell that is used is checked, and what is wrong is
//! said with file, line, column, value and remedy.
//!
//! - [`Table`]: the columns of a CSV, Parquet or Arrow file, row order kept;
//! - [`NamedMatrix`]: a table whose every column is numeric, for problems given as plain matrices;
//! - [`Covariate`]: what the numbers of a covariate mean, and [`Term`]: how linear models see them;
//! - [`Neighbour`]: covariates made of the units around a unit;
//! - [`Roles`]: which column plays which part;
//! - [`Study`]: units with covariates X (n x p), arm A, outcome Y, propensity e (n x K) and costs (n x K).

mod columns;
mod costs;
mod covariates;
mod edges;
mod eligibility;
mod error;
mod files;
mod follow_up;
mod groups;
mod labels;
mod matrix;
mod neighbours;
mod propensity;
mod reach;
mod roles;
mod study;
mod table;

pub use columns::Purpose;
#[cfg(feature = "cli")]
pub(crate) use covariates::describe;
pub use covariates::{Covariate, Design, Term, read_complete_covariates, read_covariates, terms};
#[cfg(feature = "cli")]
pub(crate) use eligibility::eligible_elsewhere;
pub use error::{DataError, ErrorKind, Place, Problem};
pub use files::{check_file, check_folder, write_folder, write_whole};
pub use follow_up::FollowUp;
pub use groups::{Choose, Groups};
pub(crate) use labels::{members, numbered, sorted_labels};
pub use matrix::{NamedMatrix, read_matrix, same_rows};
pub use neighbours::{Around, Neighbour, with_neighbours};
pub use propensity::propensity_elsewhere;
pub use roles::{
    CostRole, EffectsRole, Estimand, Missing, OutcomeModel, OutcomeRole, PropensityRole, Roles, SurvivalRole,
};
pub use study::Study;
pub use table::{Format, Table};
