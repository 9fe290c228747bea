//! What can be wrong with data, as one catalogue: every message names the place, the value and the remedy.

use std::fmt;

use super::{Format, Purpose};

/// A refusal of data: where, and what is wrong there. Its message reads
/// `patients.csv, line 7, column "age": "abc" is not a number; write a decimal number such as 41.5`.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{place}: {problem}")]
pub struct DataError {
    pub place: Place,
    pub problem: Box<Problem>,
}

/// Which of the program's exit codes a refusal belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// The file could not be read: exit code 1.
    Io,
    /// What was asked for makes no sense for any data: exit code 2.
    Usage,
    /// The data do not allow what was asked for: exit code 3.
    Data,
}

impl DataError {
    pub fn kind(&self) -> ErrorKind {
        match *self.problem {
            Problem::Unreadable(_) => ErrorKind::Io,
            Problem::TooFewFolds { .. }
            | Problem::HorizonNotPositive { .. }
            | Problem::NoGivenScores
            | Problem::NotForForests { .. }
            | Problem::ForestWithoutCovariates
            | Problem::NoPredictionsElsewhere
            | Problem::DesignOfPairs
            | Problem::MadeOfClusters
            | Problem::MadeOfEdges
            | Problem::EdgesNeedIds
            | Problem::ClipTooLarge { .. } => ErrorKind::Usage,
            _ => ErrorKind::Data,
        }
    }
}

/// A place in a file: the file alone, one of its lines (the header is line 1) or, where it has no lines, its rows (from
/// 1), one of its columns, or a cell.
#[derive(Debug, Clone, PartialEq)]
pub struct Place {
    pub source: String,
    pub line: Option<u64>,
    pub row: Option<u64>,
    pub column: Option<String>,
}

impl Place {
    pub fn file(source: &str) -> Place {
        Place { source: source.to_owned(), line: None, row: None, column: None }
    }

    pub fn line(self, line: u64) -> Place {
        Place { line: Some(line), ..self }
    }

    pub fn row(self, row: u64) -> Place {
        Place { row: Some(row), ..self }
    }

    pub fn column(self, column: &str) -> Place {
        Place { column: Some(column.to_owned()), ..self }
    }

    pub(crate) fn refuse(self, problem: Problem) -> DataError {
        DataError { place: self, problem: Box::new(problem) }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}", self.source)?;
        if let Some(line) = self.line {
            write!(f, ", line {line}")?;
        }
        if let Some(row) = self.row {
            write!(f, ", row {row}")?;
        }
        if let Some(column) = &self.column {
            write!(f, ", column {}", quoted(column))?;
        }
        Ok(())
    }
}

/// What is wrong, and what to do about it.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Problem {
    // The file.
    #[error("cannot be read ({0}); name a readable CSV file, or - for standard input")]
    Unreadable(String),
    #[error("the file is empty; it needs a header line and one line a unit")]
    EmptyFile,
    #[error("there is a header but no rows; add one line a unit")]
    NoRows,
    #[error(
        "byte 0x{byte:02X} is not text in UTF-8; save the file as CSV in UTF-8 \
         (a spreadsheet or a compressed file must be exported first)"
    )]
    NotText { byte: u8 },
    #[error("the {format} file cannot be read ({reason}); write or copy it again, {}", format.remedy())]
    Damaged { format: Format, reason: String },
    #[error(
        "this is a {format} file, and the program was built without them; build it with its feature arrow, or export the file as CSV"
    )]
    BuiltWithout { format: Format },
    #[error(
        "values of type {found} are neither numbers nor labels; convert the column to numbers or text, or do without it"
    )]
    ColumnType { found: String },
    #[error("the line is blank; delete it, or write the row's values")]
    BlankLine,
    #[error("the row has {found} {}, the header {expected}; add or remove fields, or quote those that contain a comma", plural(*found, "field"))]
    Ragged { found: usize, expected: usize },
    #[error("the header names no column {position}; give every column a name")]
    EmptyColumnName { position: usize },
    #[error("the header repeats this name (columns {first} and {second}); rename one of them")]
    RepeatedColumn { first: usize, second: usize },
    #[error("{rows} {} too few; at least 2 are needed", if *rows == 1 { "row is" } else { "rows are" })]
    TooFewRows { rows: usize },
    #[error(
        "{rows} rows, but {other} has {other_rows}; row i of both files must be the same unit, so give both the \
         same number of rows"
    )]
    RowsDiffer { rows: usize, other: String, other_rows: usize },

    // A cell.
    #[error("{} is not a number; write a decimal number such as 41.5{}", quoted(value), purpose.or_leave_out())]
    NotANumber { value: String, purpose: Purpose },
    #[error("{} is not a finite number; write a decimal number such as 41.5{}", quoted(value), purpose.or_leave_out())]
    NotFinite { value: String, purpose: Purpose },
    #[error(
        "{} is beyond the largest number that can be computed with (1.8e308); rescale the column",
        quoted(value)
    )]
    TooLarge { value: String },
    #[error("the value is missing ({}); {}", quoted(value), purpose.if_missing())]
    MissingValue { value: String, purpose: Purpose },

    #[error(
        "level {} is not among those that the covariate has ({}); correct it, or leave the row out",
        quoted(value),
        list(levels)
    )]
    UnknownLevel { value: String, levels: Vec<String> },
    #[error("{} is neither 0 (no) nor 1 (yes); write one of them", quoted(value))]
    NotYesOrNo { value: String },
    #[error("{} says neither train nor test; write one of them (or 0 and 1, where 1 is test)", quoted(value))]
    NotASample { value: String },
    #[error(
        "the units {} and {} are of one cluster, and the data hold out only the second; under interference a cluster is learned from or held \
         out whole, so give all its units the same",
        quoted(&ids[0]),
        quoted(&ids[1])
    )]
    ClusterDivided { ids: [String; 2] },

    // The roles.
    #[error("there is no such column; {}", names_instead(closest, available))]
    UnknownColumn { closest: Vec<String>, available: Vec<String> },
    #[error("it is named as a category but is no covariate; the covariates are {}", list(available))]
    NotACovariate { available: Vec<String> },
    #[error("the column has two roles, {first} and {second}; give each role its own column")]
    TwoRoles { first: &'static str, second: &'static str },
    #[error("there is one arm only ({}); a rule needs at least two arms to choose from", quoted(arm))]
    OneArm { arm: String },
    #[error(
        "{arms} arms are too many for a forest, which takes {most}; is this the column of the treatment? else merge arms with --groups"
    )]
    TooManyArms { arms: usize, most: usize },
    #[error(
        "the arms given are {}, the arms in the data {}; name each arm of the data once",
        list(given),
        list(found)
    )]
    ArmsDiffer { given: Vec<String>, found: Vec<String> },
    #[error("arm {} is in the groups {}; name it in one", quoted(arm), list(groups))]
    TwoGroups { arm: String, groups: [String; 2] },
    #[error("the group {} has the name of an arm that it does not hold; call it otherwise", quoted(group))]
    GroupLikeArm { group: String },
    #[error(
        "all arms are one group ({}), so that there is nothing to choose; ask for a number of groups with --fuse M, or for another \
         criterion or penalty",
        quoted(group)
    )]
    AllFused { group: String },
    #[error(
        "arms {} and {} are one group, and the unit of row {row} may get only one of them; state the same --eligible for both, or name \
         groups of your own with --groups",
        quoted(&arms[0]),
        quoted(&arms[1])
    )]
    FusedButNotForTheSame { arms: [String; 2], row: usize },
    #[error("{role} names arm {}, which is not in the data; the arms are {}", quoted(arm), list(arms))]
    UnknownArm { role: &'static str, arm: String, arms: Vec<String> },
    #[error("{role} does not name arm {}; give one for each of the arms {}", quoted(arm), list(arms))]
    ArmNotGiven { role: &'static str, arm: String, arms: Vec<String> },
    #[error(
        "propensity {value} of arm {} is not between 0 and 1 (both excluded); correct it, or drop the units or the arm \
         that chance could not reach",
        quoted(arm)
    )]
    PropensityOutside { value: f64, arm: String },
    #[error(
        "no unit of the stratum {stratum} ({rows} {}) received arm {}; merge it with another stratum, form strata by \
         fewer columns with --propensity strata:.., or give known propensities with --propensity",
        plural(*rows, "row"), quoted(arm)
    )]
    ArmNotInStratum { arm: String, stratum: String, rows: usize },
    #[error("the propensities of the arms sum to {sum}; they must sum to 1 (to within 1e-6)")]
    PropensitySum { sum: f64 },
    #[error(
        "the unit received arm {}, for which it is not eligible; correct the row, or the condition in --eligible",
        quoted(arm)
    )]
    ReceivedIneligible { arm: String },
    #[error("{} compares text by size; compare it by = or !=, or give a number", quoted(condition))]
    NotComparable { condition: String },
    #[error(
        "propensity {value} of arm {}, for which the unit is not eligible, is not 0; correct it",
        quoted(arm)
    )]
    PropensityOfIneligible { value: f64, arm: String },
    #[error(
        "one column of propensities serves two arms, but the data have {}; give a column for each arm",
        list(arms)
    )]
    NotTwoArms { arms: Vec<String> },
    #[error("cost {value} of arm {} is not a finite number; give a decimal number such as 0.5", quoted(arm))]
    CostNotFinite { value: f64, arm: String },

    #[error("time {value} is negative; count from the start of follow-up, and give a number of at least 0")]
    NegativeTime { value: f64 },
    #[error(
        "event {value} is neither 0 nor 1; write 1 where follow-up ended with the event, 0 where it ended without"
    )]
    NotAnEvent { value: f64 },
    #[error("the horizon {value} is not a number above 0; give it in the units of the time column")]
    HorizonNotPositive { value: f64 },
    #[error(
        "nobody of {} was followed to the horizon {horizon}: the last follow-up ended without the event at {last}; \
         {}{}",
        quoted(arm), shorter(*last), coarser(strata)
    )]
    FollowUpTooShort { arm: String, strata: String, last: f64, horizon: f64 },
    #[error(
        "rewards are given for {}, the arms in the data are {}; name one column for each arm of the data",
        list(given),
        list(found)
    )]
    RewardsDiffer { given: Vec<String>, found: Vec<String> },
    #[error("no rewards are given; name a column for each arm with --rewards")]
    NoGivenScores,
    #[error(
        "a forest learns from outcomes under the arm received, not from {what}; leave {flag} out, or learn another rule with prescribe learn"
    )]
    NotForForests { what: &'static str, flag: &'static str },
    #[error("a forest splits by covariates, and there are none; name some with --covariates")]
    ForestWithoutCovariates,
    #[error(
        "the target's mean of {} is {mean}, but the study's units have values from {least} to {most}; no weights can \
         reach it, so leave the covariate out of --covariates, or restrict the target",
        quoted(covariate)
    )]
    TargetOutside { covariate: String, mean: f64, least: f64, most: f64 },
    #[error(
        "no weights of the study's units reach the target's covariate means together, though each lies in the study's \
         range; farthest off in a mix of {}: leave one out of --covariates, or restrict the target",
        list(covariates)
    )]
    TargetNotReached { covariates: Vec<String> },

    #[error("weight {value} is negative; give a number of at least 0")]
    NegativeWeight { value: f64 },
    #[error("base weight {value} is not above 0; correct it, or leave the row out of all files")]
    WeightNotPositive { value: f64 },
    #[error("the weights of all rows of arm {} are 0; correct them, or drop the arm", quoted(arm))]
    ArmWithoutWeight { arm: String },

    // What follows from the data.
    #[error("{folds} {} asked for; cross-fitting needs --folds 2 or more", if *folds == 1 { "fold is" } else { "folds are" })]
    TooFewFolds { folds: usize },
    #[error(
        "arm {} has {rows} {}, fewer than the {folds} folds; {}drop the arm, or merge it with another",
        quoted(arm), plural(*rows, "row"), fewer_folds(*rows)
    )]
    ArmSmallerThanFolds { arm: String, rows: usize, folds: usize },
    #[error(
        "{clusters} {}, fewer than the {folds} folds; {}name finer clusters with --cluster",
        plural(*clusters, "cluster"), fewer_folds(*clusters)
    )]
    FewerClustersThanFolds { clusters: usize, folds: usize },
    #[error(
        "all rows of arm {} ({clusters} {}) fall into one fold, so no model could be fitted for that fold; {}",
        quoted(arm), plural(*clusters, "cluster"), other_folds(*clusters)
    )]
    ArmInOneFold { arm: String, clusters: usize },
    #[error(
        "{clusters} {} to evaluate on; a standard error between clusters needs at least 2, so {}",
        plural(*clusters, "cluster"), more_clusters(*held_out)
    )]
    TooFewClusters { clusters: usize, held_out: bool },
    #[error(
        "{what}: the number for arm {} in data row {row} is not finite; rescale the outcome, the covariates or the costs",
        quoted(arm)
    )]
    NotComputable { what: &'static str, arm: String, row: usize },
    #[error(
        "{weighted} {} to evaluate on with a weight above 0; at least 2 are needed, so change --test-share, or correct \
         the weights",
        plural(*weighted, of)
    )]
    TooLittleWeight { weighted: usize, of: &'static str },
    #[error(
        "outcome {value} in data row {row} is neither 0 nor 1, as --outcome-model logistic needs; code the outcome as 0 and 1, \
         or pass --outcome-model linear"
    )]
    OutcomeNotBinary { value: f64, row: usize },
    #[error(
        "outcome {value} in data row {row} is neither 0 nor 1, as --loss logistic needs; code the outcome as 0 and 1, or pass --loss squared"
    )]
    OutcomeOfLogisticLoss { value: f64, row: usize },
    #[error(
        "covariates (this one most, if one is named) separate the rows of arm {} from those of other arms, so no logit model of the \
         propensity is the most likely one; leave the column out of --covariates, merge arms, or pass --propensity forest \
         or strata:COLUMN",
        quoted(arm)
    )]
    ArmSeparated { arm: String },
    #[error(
        "covariates (this one most, if one is named) separate the outcomes 0 and 1 in arm {}, so no logistic model of the outcome is \
         the most likely one; leave the column out of --covariates, or pass --outcome-model linear or forest",
        quoted(arm)
    )]
    OutcomeSeparated { arm: String },
    #[error(
        "estimated propensity {value} of arm {} in data row {row} is not between 0 and 1 (both excluded); pass --clip with a \
         number above 0, or --trim to leave such rows out",
        quoted(arm)
    )]
    PropensityEstimated { value: f64, arm: String, row: usize },
    #[error(
        "--clip {clip} is too large for {arms} arms, whose propensities sum to 1; give a number below 1/{arms}"
    )]
    ClipTooLarge { clip: f64, arms: usize },
    #[error(
        "--trim {trim} leaves no row of arm {}; trim less, merge the arm with another, or drop it",
        quoted(arm)
    )]
    ArmTrimmed { arm: String, trim: f64 },
    #[error(
        "data row {row}: arm {} costs {cost}, no more than the first arm ({first}); a curve of spending needs arms dearer than \
         the first: order them with --arms, or leave the costs out",
        quoted(arm)
    )]
    NoDearerThanFirst { arm: String, cost: f64, first: f64, row: usize },
    #[error(
        "no two units or clusters may get both arm {} and arm {}, so that there is nothing to compare them on; choose another arm with \
         --against, or leave the arm out of the data",
        quoted(arm),
        quoted(reference)
    )]
    NotComparableArms { arm: String, reference: String },
    #[error("it is named in --by but is no covariate; the covariates are {}", list(available))]
    ByNotACovariate { available: Vec<String> },
    #[error(
        "what the column says is constant or follows from the other columns of --by, so that it has no slope of its own; leave it, or one \
         of the others, out of --by"
    )]
    NothingOfItsOwn,
    #[error(
        "data row {row} alone decides a coefficient of the projection; merge its level with another, leave the covariate out of --by, or \
         pass --covariance hc1"
    )]
    Decisive { row: usize },
    #[error("{terms} terms are too many for a projection of {units} units; name fewer covariates with --by")]
    TooManyTerms { terms: usize, units: usize },
    #[error(
        "none of the {rows} {} to fit models to received arm {}; pass a larger --fit-share, another --seed, or drop the arm",
        plural(*rows, "row"), quoted(arm)
    )]
    PartWithoutArm { arm: String, rows: usize },
    #[error(
        "there are no predictions of your own for other units; pass --outcome-model linear, logistic or forest"
    )]
    NoPredictionsElsewhere,
    #[error(
        "the shares leave {fitted}, {calibration} and {checked} of the {rows} rows to fit, calibrate and check on; each part needs 1 at \
         least, so change --fit-share and --check-share, or give more rows"
    )]
    EmptyPart { rows: usize, fitted: usize, calibration: usize, checked: usize },
    #[error(
        "none of the {rows} {} to calibrate on received the arm that the rule gives it, so that nothing is known of outcomes under the rule; \
         pass another --seed, or give data in which the rule's arms were received",
        plural(*rows, "row")
    )]
    NobodyFollowed { rows: usize },
    #[error(
        "no row of {study} is in the stratum {stratum}, so that its propensity is not known; leave the row out, or form strata by fewer \
         columns with --propensity strata:.."
    )]
    UnknownStratum { study: String, stratum: String },
    #[error("{what} is not finite; rescale the outcome or the costs")]
    Overflow { what: &'static str },
    #[error("gains compare two arms, but there are {arms}; keep two arms, or learn a tree")]
    GainsNeedTwoArms { arms: usize },
    #[error("interference is between units that are treated and units that are not, but the arms are {}; keep two", arms.join(", "))]
    InterferenceNeedsTwoArms { arms: Vec<String> },
    #[error(
        "interference needs at least two clusters, and there {}; name their column with --cluster",
        if *clusters == 0 { "are none" } else { "is only 1" }
    )]
    InterferenceNeedsClusters { clusters: usize },
    #[error(
        "a fold of the clusters leaves {clusters} to fit the {coefficients} coefficients of the regression of cluster means to, too many; pass \
         --cluster-model means, or polynomial:1, which shrinks them, or fewer covariates"
    )]
    FewerClustersThanCoefficients { clusters: usize, coefficients: usize },
    #[error(
        "in the cluster of unit {} ({units} {}) {fixed}; {}",
        quoted(unit),
        plural(*units, "unit"),
        if *received {
            "the treatments are of another design, so correct --design"
        } else {
            "the design tells nothing of such a rule, so evaluate one that keeps it, or pass --interference none"
        }
    )]
    DesignNeverVaries { unit: String, units: usize, fixed: String, received: bool },
    #[error(
        "no treatments have the joint probabilities given for the cluster of unit {}: correct them, or write them with more digits",
        quoted(unit)
    )]
    DesignWithoutDistribution { unit: String },
    #[error(
        "unit {} has propensity {propensity}, but {treated} of the {units} units that it was drawn with were treated; pass --propensity \
         strata:.. with the cluster's column (and that of --design strata), or give the joint probabilities with --design joint:FILE.csv",
        quoted(unit)
    )]
    DesignShare { unit: String, units: usize, treated: usize, propensity: f64 },
    #[error(
        "the cluster of unit {} has too many sets of up to {order} of its {units} units; pass a lower order with --interference, or none",
        quoted(unit)
    )]
    DesignTooLarge { unit: String, units: usize, order: usize },
    #[error("joint probabilities of pairs serve --interference additive and none only; pass one of them")]
    DesignOfPairs,
    #[error("the pair of units has a row already; keep one of them")]
    PairTwice,
    #[error(
        "cluster {} has no row for its units {} and {}; give the probability that both are treated for every pair",
        quoted(cluster), quoted(&pair[0]), quoted(&pair[1])
    )]
    PairMissing { cluster: String, pair: [String; 2] },
    #[error(
        "unit {} is not in this cluster in {data}; correct it, or name the column of unit ids with --id",
        quoted(unit)
    )]
    NotInCluster { unit: String, data: String },
    #[error(
        "the chance {probability} that both are treated is not between {least} and {most}, as the units' propensities have it; correct one of them"
    )]
    PairImpossible { probability: f64, least: f64, most: f64 },
    #[error("it is made of the others of a unit's cluster; name the column of clusters with --cluster")]
    MadeOfClusters,
    #[error(
        "it is made of edges between units; name their file with --edges, and the column of the ids that it speaks of with --id"
    )]
    MadeOfEdges,
    #[error(
        "it is to be made of the units around a unit, but the file has a column of that name; rename the column"
    )]
    MadeAlready,
    #[error(
        "it is made of the units around a unit, which is not done here; add it as a column of that name, or do without it"
    )]
    MadeElsewhere,
    #[error(
        "every unit misses a covariate, so that a rule could treat nobody; name fewer covariates, or pass --missing keep"
    )]
    NobodyReached,
    #[error("edges name units by ids; name the column of ids with --id")]
    EdgesNeedIds,
    #[error("the file has {found} {}; a file of edges has two, the ids of the units that each row joins", plural(*found, "column"))]
    NotAnEdgeList { found: usize },
    #[error("{} is the id of no unit of {data}; correct it, or delete the edge", quoted(id))]
    EdgeOfNoUnit { id: String, data: String },
    #[error("the edge joins {} to itself; delete it", quoted(id))]
    EdgeToItself { id: String },
    #[error(
        "the edge joins {} and {}, which are of two clusters; interference stays within clusters, so delete the edge, or name larger \
         clusters with --cluster",
        quoted(&ids[0]),
        quoted(&ids[1])
    )]
    EdgeBetweenClusters { ids: [String; 2] },
    #[error(
        "{} is also the id of data row {first}; ids must differ between all units, so correct one of them, or name another column with --id",
        quoted(id)
    )]
    RepeatedId { id: String, first: usize },
    #[error(
        "unit {} is in data rows {first} and {row} of one cluster; a unit counts once, so delete one of the rows, or give them ids that differ",
        quoted(id)
    )]
    UnitTwice { id: String, first: usize, row: usize },
    #[error(
        "the value is missing; under interference every unit of a cluster counts in its mean, so fill it in, or leave out the whole cluster{}",
        if *of_cluster { " (here: the row, whose cluster is not known)" } else { "" }
    )]
    MissingInCluster { of_cluster: bool },
    #[error("{what}: expected {expected}, found {found}; compute it from the same study")]
    Shape { what: &'static str, expected: String, found: String },
}

/// A value as a message shows it: quoted, control characters escaped, cut where it would swamp the line.
pub(super) fn quoted(value: &str) -> String {
    const LONGEST: usize = 40;
    match value.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{:?}...", &value[..end]),
        None => format!("{value:?}"),
    }
}

/// Names as a message lists them; a long list is cut, with its length.
pub(super) fn list(names: &[String]) -> String {
    const MOST: usize = 12;
    let shown = names.iter().take(MOST).map(|name| quoted(name)).collect::<Vec<_>>().join(", ");
    if names.len() > MOST { format!("{shown}, ... ({} in all)", names.len()) } else { shown }
}

pub(super) fn plural(count: usize, noun: &str) -> String {
    if count == 1 { noun.to_owned() } else { format!("{noun}s") }
}

fn names_instead(closest: &[String], available: &[String]) -> String {
    let available = list(available);
    if closest.is_empty() {
        format!("the columns are {available}")
    } else {
        format!("did you mean {}? the columns are {available}", list(closest))
    }
}

fn shorter(last: f64) -> String {
    if last > 0.0 { format!("pass --horizon {last} or less") } else { "drop the rows of time 0".to_owned() }
}

fn coarser(strata: &str) -> String {
    if strata.is_empty() {
        String::new()
    } else {
        format!(", or name fewer columns than {strata} with --censoring-strata")
    }
}

fn fewer_folds(rows: usize) -> String {
    if rows >= 2 { format!("pass --folds {rows} or fewer, ") } else { String::new() }
}

fn other_folds(clusters: usize) -> &'static str {
    match clusters {
        0 | 1 => "drop the arm, merge it with another, or name finer clusters with --cluster",
        _ => "pass another --seed, drop the arm, or merge it with another",
    }
}

fn more_clusters(held_out: bool) -> &'static str {
    if held_out {
        "change --test-share, or name finer clusters with --cluster"
    } else {
        "name finer clusters with --cluster"
    }
}
