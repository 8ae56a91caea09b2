//! The `firstline` binary: one module per subcommand.

mod cli;

#[tokio::main]
async fn main() -> std::process::ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match cli::run(&arguments).await {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            firstline_host::build::to_stderr(&format!("error: {error:#}"));
            std::process::ExitCode::FAILURE
        }
    }
}
