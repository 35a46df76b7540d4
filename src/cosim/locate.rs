//! Where a difference arises: the same images again, on the same design with taps.

use super::{Builder, CosimError, Dut, Mismatch, Options, Reference, Settings, Stimulus, cosimulate};
use crate::net::Images;

/// Runs the images up to and including number `wrong` through `tapped`, the design with taps, and compares every hidden
/// activation of that image. The difference nearest to the cause; none if everything is right this time.
pub fn locate(
    builder: &Builder,
    tapped: &Dut,
    reference: &dyn Reference,
    images: &Images,
    settings: &Settings,
    stimulus: Stimulus,
    wrong: usize,
) -> Result<Option<Mismatch>, CosimError> {
    let images = images.slice(0..(wrong + 1).min(images.len()));
    let options = Options { stimulus, tapped: Some((wrong, wrong)), ..Options::default() };
    let outcome = cosimulate(builder, tapped, reference, &images, settings, options, &|_| ())?;
    Ok(outcome.origin().cloned())
}
