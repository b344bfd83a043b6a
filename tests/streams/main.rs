//! Bodies without end in sight: a leak far behind their beginning, and what holding them back costs in memory and time.

#[cfg(test)]
mod late;
#[cfg(test)]
mod latency;
#[cfg(test)]
#[path = "../support/process.rs"]
mod process;
