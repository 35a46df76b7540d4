//! Thresholds of the chip's out-of-distribution flag, which compares integers: order statistics of what images in distribution have.

/// The least of `values` such that at least `acceptance` (0 to 1) of them are not above it; none of no values.
pub fn entropy_threshold(values: impl IntoIterator<Item = u64>, acceptance: f64) -> Option<u64> {
    let mut sorted: Vec<u64> = values.into_iter().collect();
    sorted.sort_unstable();
    let enough = (acceptance * sorted.len() as f64).ceil() as usize;
    sorted.get(enough.clamp(1, sorted.len().max(1)) - 1).copied()
}

/// One threshold for each of `classes` from pairs of (class, value); a class of no image gets that of all images.
pub fn class_entropy_thresholds(pairs: &[(usize, u64)], classes: usize, acceptance: f64) -> Option<Vec<u64>> {
    let all = entropy_threshold(pairs.iter().map(|&(_, value)| value), acceptance)?;
    let of = |class: usize| pairs.iter().filter(move |(c, _)| *c == class).map(|&(_, value)| value);
    Some((0..classes).map(|class| entropy_threshold(of(class), acceptance).unwrap_or(all)).collect())
}

#[cfg(test)]
mod tests {
    use super::{class_entropy_thresholds, entropy_threshold};

    #[test]
    fn at_least_the_share_asked_for_is_accepted_and_no_smaller_value_does() {
        let values: Vec<u64> = (0..200).map(|n| n * 7919 % 173).collect();
        for acceptance in [0.0, 0.005, 0.5, 0.95, 0.951, 1.0] {
            let found = entropy_threshold(values.iter().copied(), acceptance).unwrap();
            let accepted = |t: u64| values.iter().filter(|&&v| v <= t).count() as f64 / 200.0;
            assert!(accepted(found) >= acceptance);
            assert!(found == 0 || accepted(found - 1) < acceptance.max(0.005), "{acceptance}: {found}");
        }
        assert_eq!(entropy_threshold([5, 1, 9, 3], 0.75), Some(5));
        assert_eq!(entropy_threshold([], 0.95), None);
    }

    #[test]
    fn every_class_has_its_own_or_that_of_all() {
        let pairs = [(0, 1), (0, 2), (2, 50), (2, 60), (2, 70), (0, 3)];
        assert_eq!(class_entropy_thresholds(&pairs, 3, 1.0), Some(vec![3, 70, 70]));
        assert_eq!(class_entropy_thresholds(&pairs, 3, 0.5), Some(vec![2, 3, 60]));
        assert_eq!(class_entropy_thresholds(&[], 3, 0.5), None);
    }
}
