//! Servers under load: started, watched through `/proc`, and stopped by their process id.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::results::median;
use crate::Result;
use crate::command::{command, run_quietly};

/// What a server may take to get ready, or to stop.
const PATIENCE: Duration = Duration::from_secs(20);
/// Linux counts CPU time in hundredths of a second for programs to read, whatever it does inside.
const MICROSECONDS_PER_TICK: f64 = 10_000.0;

/// A running server. Dropping it stops it.
pub struct Server {
    child: Child,
    pub port: u16,
    /// From its start to its first `200` on `/health/ready`.
    start: Duration,
}

/// Resident memory.
#[derive(Clone, Copy, Debug, Default)]
pub struct Memory {
    pub total_mib: f64,
    /// Pages of files that are mapped into memory, which the system takes back when it needs them.
    pub files_mib: f64,
}

impl Server {
    /// Runs `serve` until it says that it is ready.
    pub fn start(mut serve: Command, port: u16, log: &Path) -> Result<Self> {
        let file = File::create(log)?;
        serve.stdout(file.try_clone()?).stderr(file);
        let begin = Instant::now();
        let child = serve.spawn().map_err(|error| format!("{}: {error}", serve.get_program().display()))?;
        let mut server = Self { child, port, start: Duration::ZERO };
        while !get(port, "/health/ready", "").is_ok_and(|answer| answer.starts_with("HTTP/1.1 200")) {
            if server.child.try_wait()?.is_some() || begin.elapsed() > PATIENCE {
                return Err(format!("a server did not get ready; it wrote:\n{}", fs::read_to_string(log)?).into());
            }
            sleep(Duration::from_millis(1));
        }
        server.start = begin.elapsed();
        Ok(server)
    }

    /// CPU time that the process has used so far, in microseconds.
    pub fn cpu_us(&self) -> Result<f64> {
        Ok(cpu(self.child.id())?.own_us)
    }

    pub fn memory(&self) -> Result<Memory> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let mib = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
            line.trim().trim_end_matches(" kB").parse::<f64>().unwrap_or(f64::NAN) / 1024.0
        };
        Ok(Memory { total_mib: mib("VmRSS:"), files_mib: mib("RssFile:") + mib("RssShmem:") })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Err(error) = run_quietly(command("kill").arg(self.child.id().to_string())) {
            eprintln!("{error}");
        }
        let begin = Instant::now();
        while matches!(self.child.try_wait(), Ok(None)) {
            if begin.elapsed() > PATIENCE {
                eprintln!("a server did not stop in {} s, so it was killed", PATIENCE.as_secs());
                let _ = self.child.kill();
            }
            sleep(Duration::from_millis(2));
        }
    }
}

/// How long the servers took to start.
pub fn median_start_ms(servers: &[Server]) -> f64 {
    median(servers.iter().map(|server| server.start.as_secs_f64() * 1000.0))
}

/// A port of 127.0.0.1 that nothing listens on.
pub fn free_port() -> Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// The whole answer to one request; `headers` end in a line break each.
pub fn get(port: u16, path: &str, headers: &str) -> Result<String> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n{headers}\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

/// CPU time of a process.
pub struct Cpu {
    parent: u32,
    pub own_us: f64,
    /// That of children that have ended.
    ended_children_us: f64,
}

/// Reads `/proc/PID/stat` (`proc_pid_stat(5)`).
fn cpu(process: u32) -> Result<Cpu> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
    // The second field is the program's name in parentheses, and may hold anything.
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let number = |field: usize| -> Result<u32> { Ok(fields.get(field - 3).ok_or("a short stat file")?.parse()?) };
    let us =
        |field: usize| -> Result<f64> { Ok(f64::from(number(field)? + number(field + 1)?) * MICROSECONDS_PER_TICK) };
    Ok(Cpu { parent: number(4)?, own_us: us(14)?, ended_children_us: us(16)? })
}

/// CPU time of a process and of all its children, in microseconds.
pub fn cpu_with_children_us(process: u32) -> Result<f64> {
    let own = cpu(process)?;
    let processes = fs::read_dir("/proc")?.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    // A process that has ended meanwhile is counted among those.
    let children = processes.filter_map(|child| cpu(child).ok()).filter(|child| child.parent == process);
    Ok(own.own_us + own.ended_children_us + children.map(|child| child.own_us).sum::<f64>())
}

/// CPU time of the programs that this process has run to their ends, in microseconds.
pub fn ended_children_us() -> Result<f64> {
    Ok(cpu(std::process::id())?.ended_children_us)
}
