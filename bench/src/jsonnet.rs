//! What evaluating a Jsonnet snippet costs in a worker that has evaluated one before, this process's share included.

use std::fs;
use std::path::Path;

use mapper::{Input, Mapper, MapperOptions};
use model::Clock;
use serde_json::json;

use crate::Result;

const CALLS: u32 = 1000;

/// The size of what web hooks usually send.
const SNIPPET: &str = "function(ctx) { id: ctx.identity.id, email: ctx.identity.traits.email, flow: ctx.flow.id,
    roles: [role for role in ctx.identity.metadata_public.roles if role != 'none'] }";

/// Prints the CPU time of one warm evaluation by the workers of `program` in nanoseconds.
pub fn measure(program: &str) -> Result {
    let mut options = MapperOptions::new(Path::new(program).to_owned(), &["jsonnet-worker"]);
    options.workers = 1;
    let mapper = Mapper::new(options, Clock::system());
    let nodes: Vec<_> =
        (0..20).map(|n| json!({ "attributes": { "name": n, "type": "text" }, "messages": [] })).collect();
    let context = json!({
        "flow": { "id": "f", "ui": { "nodes": nodes } },
        "identity": { "id": "i", "traits": { "email": "a@example.org" }, "metadata_public": { "roles": ["a", "none"] } },
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let input = Input::TopLevel { ctx: &context };
        mapper.evaluate(SNIPPET, input).await?;
        let before = cpu_time()?;
        for _ in 0..CALLS {
            mapper.evaluate(SNIPPET, input).await?;
        }
        println!("{}", (cpu_time()? - before) / u64::from(CALLS));
        Ok(())
    })
}

/// The time that this thread and the processes that it started have run, in nanoseconds (`proc_pid_schedstat(5)`).
fn cpu_time() -> Result<u64> {
    let children = fs::read_to_string("/proc/thread-self/children")?;
    let mut total = 0;
    for process in children.split_whitespace().chain(["thread-self"]) {
        let times = fs::read_to_string(format!("/proc/{process}/schedstat"))?;
        total += times.split(' ').next().unwrap_or_default().parse::<u64>()?;
    }
    Ok(total)
}
