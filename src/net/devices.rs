//! The dropout units of a network's streams, and what must hold where they are devices (`docs/semantics.md` §8).

use super::{Device, Method, NetError, Network, Stream};

/// The units that take the draws of a stream.
struct Units {
    place: String,
    /// What they are called.
    what: &'static str,
    count: usize,
    /// The probability code of each, where draws are compared with codes.
    codes: Option<Vec<u32>>,
}

impl Device {
    /// Draws that a unit takes of its stream in every pass: D.
    pub fn draws(&self) -> usize {
        1 + usize::from(self.jitter > 0) + if self.cycle.is_some() { 2 } else { 0 }
    }

    /// Random bits that are counted where there is jitter: B, at codes of `code_bits` bits.
    pub fn jitter_bits(code_bits: u32) -> u32 {
        code_bits / 2 * 2
    }
}

impl Network {
    /// Draws that each unit of a stream takes in a pass: D of §8, 1 where units are ideal.
    pub fn draws_per_unit(&self, stream: usize) -> usize {
        self.device(stream).map_or(1, Device::draws)
    }

    /// The probability code of every unit of a stream; none where draws are not compared with codes.
    pub fn unit_codes(&self, stream: usize) -> Option<Vec<u32>> {
        self.unit_streams().into_iter().nth(stream)?.codes
    }

    /// The streams of §4, in their order.
    fn unit_streams(&self) -> Vec<Units> {
        let inputs = self.input.dropout.map(|code| Units {
            place: "input".into(),
            what: "dropout units",
            count: self.input.features,
            codes: Some(vec![code; self.input.features]),
        });
        let mut all: Vec<Units> = inputs.into_iter().collect();
        for l in 0..=self.hidden.len() {
            let Some(Stream { number, draws, .. }) = self.stream(l) else { continue };
            let method = self.hidden.get(l).and_then(|layer| layer.method.as_ref());
            let code = method.and_then(Method::code);
            if let (Some(units), Some(code)) = (all.get_mut(number), code) {
                // Layers with Scale-Dropout share a stream, each with a unit of it.
                units.place += &format!(", {l}");
                units.codes.iter_mut().for_each(|codes| codes.push(code));
                continue;
            }
            let own = if matches!(method, Some(Method::Scale(_))) { 1 } else { draws };
            let what = match method {
                Some(Method::Subset(_)) => "a Gaussian source",
                Some(Method::Spinbayes(_)) | None => "an arbiter",
                Some(_) => "dropout units",
            };
            let place = if l < self.hidden.len() { format!("layer {l}") } else { "output layer".into() };
            all.push(Units { place, what, count: draws, codes: code.map(|code| vec![code; own]) });
        }
        all
    }

    /// Checks the devices of all streams.
    pub(super) fn check_devices(&self) -> Result<(), NetError> {
        let devices = &self.chip.devices;
        let fail = |place: String, what: String| Err(NetError::Invalid { network: self.name.clone(), place, what });
        let streams = self.unit_streams();
        if !devices.is_empty() && devices.len() != streams.len() {
            let what =
                format!("{} devices for {} streams of draws; one a stream, or none", devices.len(), streams.len());
            return fail("chip".into(), what);
        }
        for (s, (device, units)) in devices.iter().zip(&streams).enumerate() {
            if let Some(device) = device
                && let Err(what) = self.check_device(device, units)
            {
                return fail(format!("device of stream {s} ({})", units.place), what);
            }
        }
        Ok(())
    }

    fn check_device(&self, device: &Device, units: &Units) -> Result<(), String> {
        let code_bits = self.random.code_bits;
        let full = 1u32 << code_bits;
        if units.codes.is_none() {
            return Err(format!(
                "the draws of {} are used as numbers, not compared with a code; only dropout units can be devices",
                units.what
            ));
        }
        let each = |what: &str, found: usize| match found == 0 || found == units.count {
            true => Ok(()),
            false => Err(format!("{found} {what} for {} units; one a unit, or none", units.count)),
        };
        each("deviations", device.deviations.len())?;
        each("entries of `stuck`", device.stuck.len())?;
        if let Some(u) = device.deviations.iter().position(|d| d.unsigned_abs() > full) {
            return Err(format!("unit {u}: deviation {}; at {code_bits} bits at most ±{full}", device.deviations[u]));
        }
        if device.jitter > 0 {
            let half = Device::jitter_bits(code_bits) / 2;
            if half == 0 {
                return Err(
                    "jitter at codes of 1 bit; it counts 2 random bits at least: use 2 code bits or more".into()
                );
            }
            if device.jitter > full / half {
                let most = full / half;
                return Err(format!(
                    "jitter {}; at {code_bits} bits at most {most}, which moves a code by ±{full}",
                    device.jitter
                ));
            }
        }
        if let Some(walk) = device.walk {
            if walk.step == 0 || walk.step > walk.limit || walk.limit > full {
                return Err(format!(
                    "a walk by {} within ±{}; a step is 1 to the limit, and the limit at most {full}",
                    walk.step, walk.limit
                ));
            }
            if self.early_stop.is_some() {
                return Err(
                    "a walk beside early stop, where an image has another number in each pass; leave one of them out"
                        .into(),
                );
            }
        }
        if let Some(cycle) = device.cycle {
            for (what, code) in [("reset", cycle.reset), ("misread", cycle.misread)] {
                if code > full {
                    return Err(format!("{what} {code}; at {code_bits} bits a probability is 0 to {full}"));
                }
            }
        }
        Ok(())
    }
}
