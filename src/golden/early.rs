//! Early stop: block after block of passes, each over the images that are not settled yet.

use super::{Golden, GoldenError, ImageResult};
use crate::net::{EarlyStop, Images};
use rayon::prelude::*;

/// Images whose logits are held at once.
const CHUNK: usize = 1 << 12;

/// An image on its way.
#[derive(Clone, Default)]
struct Going {
    logits: Vec<i32>,
    sum: Vec<i64>,
}

impl Golden {
    /// Runs all images from number 0 on, each until the rule settles it or all passes are done.
    pub(super) fn run_early<R: Send>(
        &self,
        rule: EarlyStop,
        images: &Images,
        passes: u32,
        each: impl Fn(usize, ImageResult, &[i32]) -> R + Sync,
    ) -> Result<Vec<R>, GoldenError> {
        let mut done = Vec::with_capacity(images.len());
        // Of each block: images that reached it so far.
        let mut reached = vec![0u64; passes.div_ceil(rule.every) as usize];
        while done.len() < images.len() {
            let first = done.len();
            let mut chunk = vec![Going::default(); CHUNK.min(images.len() - first)];
            let mut unsettled: Vec<usize> = (0..chunk.len()).collect();
            for (block, reached) in (0u32..).zip(&mut reached) {
                let end = passes.min((block + 1) * rule.every);
                let now: Vec<&[i16]> = unsettled.iter().map(|&i| images.image(first + i)).collect();
                let found = self.run_passes(&now, *reached, block * rule.every..end, |_, logits| logits.to_vec())?;
                *reached += now.len() as u64;
                for (&i, logits) in unsettled.iter().zip(found) {
                    chunk[i].add(self.classes(), &logits);
                }
                unsettled.retain(|&i| !rule.settles(&chunk[i].sum, block + 1));
            }
            let finish = |(i, going): (usize, &Going)| each(first + i, self.tally(&going.logits), &going.logits);
            done.par_extend(chunk.par_iter().enumerate().map(finish));
        }
        Ok(done)
    }
}

impl Going {
    fn add(&mut self, classes: usize, logits: &[i32]) {
        self.sum.resize(classes, 0);
        for pass in logits.chunks_exact(classes) {
            self.sum.iter_mut().zip(pass).for_each(|(sum, &z)| *sum += i64::from(z));
        }
        self.logits.extend(logits);
    }
}

impl EarlyStop {
    /// Whether sums over so many blocks of passes end the passes.
    fn settles(&self, sums: &[i64], blocks: u32) -> bool {
        let (mut largest, mut second) = (i64::MIN, i64::MIN);
        for &sum in sums {
            if sum > largest {
                second = largest;
                largest = sum;
            } else {
                second = second.max(sum);
            }
        }
        largest.abs_diff(second) >= u64::from(blocks) * u64::from(self.lead)
    }
}
