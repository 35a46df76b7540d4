//! Yosys over the designs whose results are missing or old, several at once.

use crate::rows::{self, Row};
use crate::trial::{Trial, fingerprint};
use anyhow::{Result, ensure};
use neuspin::board::Family;
use neuspin::cosim::synthesize_for;
use neuspin::plan::cost;
use neuspin::rtl::Design;
use std::path::Path;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

/// A design that is to be synthesised.
struct Job<'a> {
    trial: &'a Trial,
    design: &'a Design,
    family: Family,
    fingerprint: String,
    /// How large it is, by the estimate.
    luts: u64,
}

/// Brings the results in `out` up to date: those of other Verilog or of designs that are no more go, missing ones are made, `at_once` at a
/// time, the longest first. Every one that is finished is in the file at once, so that what was cut off goes on where it was.
///
/// Only results of which design and family, as they are told when one is made, contain `only` are looked at.
pub fn synthesise(trials: &[Trial], only: &str, models: &Path, out: &Path, at_once: usize) -> Result<()> {
    let known = rows::read(out)?;
    let place = |name: &str| trials.iter().position(|trial| trial.name == name);
    let asked = |name: &str, family: Family| format!("{name} {family:?}").contains(only);
    let others = known.iter().filter(|row| !asked(&row.design, row.family) && place(&row.design).is_some());
    let mut kept: Vec<Row> = others.cloned().collect();
    let mut designs = vec![];
    for trial in trials.iter().filter(|trial| trial.families.iter().any(|&family| asked(&trial.name, family))) {
        let (network, plan) = trial.plan(models)?;
        let design = trial.design(&network, &plan)?;
        designs.push((trial, design, cost(&network, &plan, Family::Xilinx7, trial.around()).luts));
    }
    let mut jobs = vec![];
    for (trial, design, luts) in &designs {
        for family in trial.families.iter().copied().filter(|&family| asked(&trial.name, family)) {
            let fingerprint = fingerprint(family, design);
            let same = |row: &&Row| row.design == trial.name && row.family == family && row.fingerprint == fingerprint;
            match known.iter().find(same) {
                Some(row) => kept.push(row.clone()),
                None => jobs.push(Job { trial, design, family, fingerprint, luts: *luts }),
            }
        }
    }
    jobs.sort_by_key(|job| std::cmp::Reverse(job.luts));
    rows::write(out, &kept)?;
    println!("{} results are up to date, {} are to be made, {at_once} at once", kept.len(), jobs.len());

    let (next, done, start) = (AtomicUsize::new(0), AtomicUsize::new(0), Instant::now());
    let all = Mutex::new(kept);
    let make = |job: &Job| -> Result<Row> {
        let begin = Instant::now();
        let counts = synthesize_for(job.family, job.design)?;
        let seconds = begin.elapsed().as_secs();
        let row = Row::new(&job.trial.name, job.family, job.fingerprint.clone(), seconds, &counts);
        let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
        rows::append(out, &row)?;
        all.push(row.clone());
        Ok(row)
    };
    // A design that fails is told of, and the others go on.
    let work = || -> usize {
        let mut failed = 0;
        while let Some(job) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
            let made = make(job).and_then(|row| Ok((row.seconds, row.cells()?)));
            let count = 1 + done.fetch_add(1, Ordering::Relaxed);
            let told = match &made {
                Ok((seconds, cells)) => format!(
                    "{} LUT, {} FF, {} block RAM in {seconds} s",
                    cells.luts + cells.memory_luts,
                    cells.registers,
                    cells.block_rams
                ),
                Err(error) => format!("{error:#}"),
            };
            failed += usize::from(made.is_err());
            let (elapsed, name) = (start.elapsed().as_secs(), &job.trial.name);
            println!("{elapsed:5} s  {count:3} of {}  {name} {:?}: {told}", jobs.len(), job.family);
        }
        failed
    };
    let failed: usize = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..at_once).map(|_| scope.spawn(work)).collect();
        threads.into_iter().map(|thread| thread.join().expect("a thread of Yosys runs")).sum()
    });
    // In the order of the designs, whoever came first.
    let mut all = all.into_inner().unwrap_or_else(PoisonError::into_inner);
    all.sort_by_key(|row| (place(&row.design), row.family));
    rows::write(out, &all)?;
    ensure!(failed == 0, "{failed} of {} designs failed", jobs.len());
    Ok(())
}
