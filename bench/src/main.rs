//! What `cargo xtask bench` needs beside the server: rows to seed a database with, the bare route to compare with, the cost
//! of a password hash and of a Jsonnet snippet, and a noisy neighbour.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a tool talks to the terminal")]

mod beside;
mod hash;
mod jsonnet;
mod route;
mod seed;

use std::error::Error;
use std::process::ExitCode;

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

const HELP: &str = "\
Usage: bench TASK

  route ADDRESS                        serve a fixed answer there
  hash                                 print the CPU time of checking one password hash, in nanoseconds
  jsonnet PROGRAM                      print the CPU time of evaluating a snippet in a warm worker of this server, in
                                       nanoseconds
  beside NOISE ADDRESS FOLDER SECONDS  print how long whoami and a sign-in take, in milliseconds, at the server there,
                                       beside a neighbour who makes this noise: nobody, guesses, lists, slow or idle
  seed FOLDER NETWORK TYPE SINGLE_USE  write seed.sql and the files that the load is made of to FOLDER: for the network
                                       and the credential type of passwords with these ids, with SINGLE_USE sessions
                                       beside the others that can be signed out";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["route", address] => route::serve(address),
        ["hash"] => hash::measure(),
        ["jsonnet", program] => jsonnet::measure(program),
        ["beside", noise, address, folder, seconds] => beside::measure(noise, address, folder.as_ref(), seconds),
        ["seed", folder, network, password_type, single_use] => {
            seed::write(folder.as_ref(), network, password_type, single_use)
        }
        _ => Err(HELP.into()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
