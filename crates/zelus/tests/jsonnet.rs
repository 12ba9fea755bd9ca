//! The program as its own Jsonnet worker, with the allocator that it has.

use std::time::Duration;

use mapper::{Input, Mapper, MapperError, MapperOptions};
use model::Clock;
use serde_json::json;

#[tokio::test]
async fn a_snippet_has_no_more_memory_than_a_worker_may_have() {
    let mut options = MapperOptions::new(env!("CARGO_BIN_EXE_zelus").into(), &["jsonnet-worker"]);
    options.time_limit = Duration::from_secs(20);
    let mapper = Mapper::new(options, Clock::system());
    let ctx = json!({});
    for (bytes, expected) in [(1 << 20, Ok("1048576\n".to_owned())), (700 << 20, Err(MapperError::TooMuchMemory))] {
        let snippet = format!("function(ctx) std.length(std.repeat('x', {bytes}))");
        let outcome = mapper.evaluate(&snippet, Input::TopLevel { ctx: &ctx }).await;
        assert_eq!(format!("{outcome:?}"), format!("{expected:?}"), "{bytes} bytes");
    }
}
