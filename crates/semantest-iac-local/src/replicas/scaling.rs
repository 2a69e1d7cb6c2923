//! When replicas are added and taken away.
//!
//! Once a second the processor time of every replica's process tree is read. What counts is the mean over the replicas and over the
//! last ten seconds, in percent of the `cpu` that one replica has. Above `target_cpu_percent` there will be as many replicas as
//! bring it down to that, at once; below it, where fewer by one would have stayed below nine tenths of it for a whole minute, one goes.
//! After each change the count begins anew. Never fewer than `min`, never more than `max`.

use std::collections::VecDeque;

/// Seconds that the mean is taken over.
const WINDOW: usize = 10;
/// So many seconds in a row one replica fewer must have been enough.
const CALM: u32 = 60;
/// Such a part of the target must not be passed by those that are left.
const MARGIN: f64 = 0.9;

/// Remembers what was used.
#[derive(Debug, Default)]
pub(crate) struct Scaling {
    /// Percent, a sample a second.
    window: VecDeque<f64>,
    calm: u32,
}

impl Scaling {
    /// Takes in what the `count` replicas there are use on average, in percent; how many there should be, where that is
    /// another number.
    pub fn sample(&mut self, mean: f64, count: u32, target: u8) -> Option<u32> {
        self.window.push_back(mean);
        if self.window.len() < WINDOW || count == 0 {
            return None;
        }
        let surplus = self.window.len() - WINDOW;
        self.window.drain(..surplus);
        let mean = self.window.iter().sum::<f64>() / WINDOW as f64;
        let (all, target) = (mean * f64::from(count), f64::from(target.max(1)));
        if mean > target {
            return Some(to_count(all / target).max(count + 1));
        }
        let is_enough = count > 1 && all / f64::from(count - 1) < target * MARGIN;
        self.calm = if is_enough { self.calm + 1 } else { 0 };
        (self.calm >= CALM).then(|| count - 1)
    }

    /// Begins anew: there is another number of replicas now.
    pub fn reset(&mut self) {
        *self = Self::default();
    }
}

/// Rounded up; bounded by whoever asks.
fn to_count(replicas: f64) -> u32 {
    // `as` ends at the type's bounds.
    replicas.ceil() as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn last(scaling: &mut Scaling, mean: f64, count: u32, times: usize) -> Option<u32> {
        (0..times).map(|_| scaling.sample(mean, count, 50)).last().flatten()
    }

    #[test]
    fn nothing_happens_before_the_window_is_full() {
        let mut scaling = Scaling::default();
        assert_eq!(last(&mut scaling, 400.0, 1, WINDOW - 1), None);
        assert_eq!(scaling.sample(400.0, 1, 50), Some(8), "as many as bring it down to the target");
    }

    #[test]
    fn a_little_above_the_target_is_one_more_and_a_moment_is_nothing() {
        assert_eq!(last(&mut Scaling::default(), 51.0, 3, WINDOW), Some(4));
        let mut scaling = Scaling::default();
        last(&mut scaling, 10.0, 1, WINDOW);
        assert_eq!(scaling.sample(400.0, 1, 50), None, "49 on average");
    }

    #[test]
    fn one_goes_after_a_calm_minute_and_the_last_stays() {
        let calm = CALM as usize;
        let mut scaling = Scaling::default();
        assert_eq!(last(&mut scaling, 10.0, 3, WINDOW + calm - 2), None);
        assert_eq!(scaling.sample(10.0, 3, 50), Some(2));
        scaling.reset();
        assert_eq!(scaling.sample(10.0, 2, 50), None, "it begins anew");
        assert_eq!(last(&mut Scaling::default(), 0.0, 1, calm * 3), None);
        assert_eq!(last(&mut Scaling::default(), 0.0, 0, calm * 3), None);
    }

    #[test]
    fn what_would_soon_be_added_again_does_not_go() {
        let calm = CALM as usize;
        assert_eq!(last(&mut Scaling::default(), 31.0, 3, calm * 3), None, "two would be at 46.5 of 50");
    }
}
