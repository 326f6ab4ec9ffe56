//! The `vbs` program. Everything is in the library.

fn main() -> std::process::ExitCode {
    vbs::cli::run(std::env::args_os())
}
