//! What the operating system says of this process, by the names that all of Prometheus' libraries have for it. It is read when
//! somebody asks. Linux alone has `/proc`; elsewhere these are left out.

use prometheus_client::registry::Registry;

#[cfg(not(target_os = "linux"))]
pub(crate) fn register(_: &mut Registry) {}

#[cfg(target_os = "linux")]
pub(crate) fn register(registry: &mut Registry) {
    registry.register_collector(Box::new(linux::Process));
}

#[cfg(target_os = "linux")]
mod linux {
    use std::fmt;

    use procfs::ProcResult;
    use procfs::process::{self, LimitValue};
    use prometheus_client::collector::Collector;
    use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
    use prometheus_client::metrics::counter::ConstCounter;
    use prometheus_client::metrics::gauge::ConstGauge;

    #[derive(Debug)]
    pub(super) struct Process;

    /// Times in seconds, memory in bytes.
    struct Reading {
        cpu: f64,
        resident: u64,
        open_files: usize,
        most_files: Option<u64>,
        /// Since 1970.
        started: f64,
    }

    #[expect(clippy::cast_precision_loss, reason = "ticks since the machine started are far below 2^52")]
    fn read() -> ProcResult<Reading> {
        let process = process::Process::myself()?;
        let (stat, ticks) = (process.stat()?, procfs::ticks_per_second() as f64);
        Ok(Reading {
            cpu: (stat.utime + stat.stime) as f64 / ticks,
            resident: stat.rss * procfs::page_size(),
            open_files: process.fd_count()?,
            most_files: match process.limits()?.max_open_files.soft_limit {
                LimitValue::Value(most) => Some(most),
                LimitValue::Unlimited => None,
            },
            started: procfs::boot_time_secs()? as f64 + stat.starttime as f64 / ticks,
        })
    }

    impl Collector for Process {
        fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
            // A process that may not read of itself says nothing.
            let Ok(reading) = read() else { return Ok(()) };
            let mut write = |name: &str, help: &str, value: &dyn Encode| value.write(name, help, &mut encoder);
            write("process_cpu_seconds", "Processor time that the process took.", &ConstCounter::new(reading.cpu))?;
            write("process_resident_memory_bytes", "Memory that the process has.", &ConstGauge::new(reading.resident))?;
            write(
                "process_open_fds",
                "Files and connections that are open.",
                &ConstGauge::new(reading.open_files as u64),
            )?;
            if let Some(most) = reading.most_files {
                write("process_max_fds", "How many of them there may be.", &ConstGauge::new(most))?;
            }
            let started = "When the process started, in seconds since 1970.";
            write("process_start_time_seconds", started, &ConstGauge::new(reading.started))
        }
    }

    /// A metric without labels.
    trait Encode {
        fn write(&self, name: &str, help: &str, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result;
    }

    impl<M: EncodeMetric> Encode for M {
        fn write(&self, name: &str, help: &str, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
            self.encode(encoder.encode_descriptor(name, help, None, self.metric_type())?)
        }
    }
}
