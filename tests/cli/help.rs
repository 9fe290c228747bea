//! Every command explains itself.

use crate::shell::Shell;

#[test]
fn every_command_has_help() {
    let commands = [
        "",
        "solve",
        "solve tree",
        "solve table",
        "solve linear",
        "solve conjunction",
        "solve calibration",
        "solve fused-lasso",
        "compare",
        "compare tree",
        "compare linear",
        "compare learned",
        "learn",
        "evaluate",
        "effects",
        "intervals",
        "predict",
        "curve",
        "forest",
        "frontier",
        "reproduce",
        "reproduce fusion-table-5",
        "reproduce fusion-theory regret",
        "reproduce fusion-application",
        "reproduce interference-application",
        "reproduce forest-theory best-arm",
        "reproduce forest-residuals",
        "stability",
        "verify",
        "weigh",
    ];
    for command in commands {
        let ran = Shell::new().run(&format!("{command} --help")).exits(0);
        assert!(ran.stdout.contains("Usage: prescribe"), "{ran:#?}");
        assert_eq!(ran.stderr, "", "{ran:#?}");
    }
}

#[test]
fn the_version_is_the_library_s() {
    let ran = Shell::new().run("--version").exits(0);
    assert_eq!(ran.stdout, format!("prescribe {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn no_command_at_all_is_a_usage_error() {
    Shell::new().run("").exits(2).says(&["Usage: prescribe"]);
}
