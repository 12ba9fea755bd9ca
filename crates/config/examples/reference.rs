//! Prints the configuration reference.

#[expect(clippy::print_stdout, reason = "printing is what this is for")]
fn main() {
    print!("{}", config::reference());
}
