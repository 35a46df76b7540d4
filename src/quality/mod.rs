//! How good a random source is: by the bits that a network consumes of it, and by what it does to the means of its masks.

mod construction;
mod consumed;
mod correlations;
mod sharing;
pub mod sp800_22;

pub use construction::{fails, period};
pub use consumed::{Consumed, raw_bytes};
pub use correlations::{Correlation, Equidistribution, Report, report};
pub use sharing::{LIMIT, Sharing, sharing};
