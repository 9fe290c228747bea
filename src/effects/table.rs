//! Effects as tables of text.

use std::fmt::Write;

use super::{Coefficient, Covariance, Effect, Effects, LargestT, Projection, WaldTest};
use crate::evaluate::{aligned, cells, decimals};

const INTERVALS: [&str; 4] = ["effect", "std. error", "95% interval", "simultaneous"];

impl Effects {
    /// The effects as aligned tables; all numbers of the average effects and of those in subgroups have as many decimals as the
    /// error of the first calls for.
    pub fn table(&self) -> String {
        let mut text = format!("{}\n\n{}", self.title(), aligned(&self.averages()));
        if !self.projections.is_empty() {
            let errors = match self.covariance {
                Some(Covariance::Hc1) => "HC1 errors",
                Some(Covariance::Hc3) => "HC3 errors",
                None => "errors between clusters",
            };
            let coefficients = aligned(&self.coefficients());
            let _ = write!(text, "\nBest linear projection of the effect ({errors})\n\n{coefficients}");
            let _ = write!(text, "\n{}", self.tests());
            let _ = write!(text, "\nIn subgroups\n\n{}", aligned(&self.in_subgroups()));
        }
        text.push_str("\nsimultaneous: covers all numbers of its table at once, with 95%\n");
        if !self.groups.is_empty() {
            text.push_str(
                "groups of arms are taken as given: where these same units chose them, intervals are too narrow\n",
            );
        }
        text
    }

    fn title(&self) -> String {
        let clusters = self.clusters.map_or(String::new(), |count| format!(" in {count} clusters"));
        let effective =
            self.effective_units.map_or(String::new(), |n| format!(" (weighted; effectively {n:.1})"));
        format!(
            "Effects against {} on {} units{clusters}{effective}: mean outcome minus that of {}",
            self.against, self.units, self.against
        )
    }

    fn decimals(&self) -> usize {
        self.averages.first().map_or(4, |average| decimals(average.effect.estimate.standard_error))
    }

    fn averages(&self) -> Vec<[String; 6]> {
        let header = header(["", "units"]);
        let line = |average: &super::ArmEffect| {
            let names = [average.arm.clone(), average.units.to_string()];
            row(names, Some(&average.effect), self.decimals())
        };
        [header].into_iter().chain(self.averages.iter().map(line)).collect()
    }

    fn coefficients(&self) -> Vec<[String; 6]> {
        let header =
            ["arm", "term", "coefficient", "std. error", "95% interval", "simultaneous"].map(String::from);
        let line = |arm: &str, coefficient: &Coefficient| {
            let decimals = decimals(coefficient.estimate.standard_error);
            let [value, error, interval] = cells(&coefficient.estimate, decimals);
            let simultaneous = coefficient.simultaneous.map_or(String::new(), |ends| range(ends, decimals));
            [arm.to_owned(), coefficient.term.clone(), value, error, interval, simultaneous]
        };
        let of = |projection: &Projection| {
            projection.coefficients.iter().map(|c| line(&projection.arm, c)).collect::<Vec<_>>()
        };
        [header].into_iter().chain(self.projections.iter().flat_map(of)).collect()
    }

    /// Whether effects depend on the covariates, for each arm and for all together.
    fn tests(&self) -> String {
        let line = |name: &str, test: &Option<WaldTest>| match test {
            Some(WaldTest { f, slopes, degrees_of_freedom, p_value }) => {
                format!(
                    "all slopes 0, {name}: F({slopes}, {degrees_of_freedom}) = {f:.3}, p = {p_value:.4}\n"
                )
            }
            None => format!(
                "all slopes 0, {name}: no Wald test: too many slopes for the units of an arm (intervals may be short too), or no error\n"
            ),
        };
        let mut text: String = self.projections.iter().map(|p| line(&p.arm, &p.heterogeneity)).collect();
        if self.projections.len() > 1 {
            text.push_str(&line("all arms", &self.heterogeneity));
        }
        if let Some(LargestT { t, p_value }) = self.largest_slope {
            let _ = writeln!(text, "all slopes 0, by the largest: |t| = {t:.3}, p = {p_value:.4}");
        }
        text
    }

    fn in_subgroups(&self) -> Vec<[String; 7]> {
        let [first, units, rest @ ..] = header(["arm", "units"]);
        let [effect, error, interval, simultaneous] = rest;
        let header = [first, "among".into(), units, effect, error, interval, simultaneous];
        let line = |group: &super::SubgroupEffect| {
            let names = [group.arm.clone(), group.units.to_string()];
            let [arm, units, rest @ ..] = row(names, group.effect.as_ref(), self.decimals());
            let [effect, error, interval, simultaneous] = rest;
            [arm, group.group.clone(), units, effect, error, interval, simultaneous]
        };
        [header].into_iter().chain(self.subgroups.iter().map(line)).collect()
    }
}

fn header(names: [&str; 2]) -> [String; 6] {
    let [first, second] = names;
    let [effect, error, interval, simultaneous] = INTERVALS;
    [first, second, effect, error, interval, simultaneous].map(String::from)
}

fn row(names: [String; 2], effect: Option<&Effect>, decimals: usize) -> [String; 6] {
    let [first, second] = names;
    let Some(Effect { estimate, simultaneous }) = effect else {
        let [a, b, c, d] = [(); 4].map(|()| "-".to_owned());
        return [first, second, a, b, c, d];
    };
    let [effect, error, interval] = cells(estimate, decimals);
    [first, second, effect, error, interval, range(*simultaneous, decimals)]
}

fn range([lower, upper]: [f64; 2], decimals: usize) -> String {
    format!("{lower:.decimals$} to {upper:.decimals$}")
}
