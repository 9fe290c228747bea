fn main() -> std::process::ExitCode {
    prescribe::cli::run()
}
