//! The order of interference by the size of a cluster: `1@5,2@10,3` is 1 up to 5 units, 2 up to 10, and 3 beyond.

use std::fmt;
use std::str::FromStr;

/// Bands of cluster sizes, from small to large, each with its order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Orders {
    /// The largest size of each band but the last, and the order of each; bands after the last are not looked at.
    bands: [(usize, usize); Self::MOST],
}

impl Orders {
    const MOST: usize = 6;

    /// The order in a cluster of so many units.
    pub fn of(&self, units: usize) -> usize {
        let within = self.bands.iter().find(|(largest, _)| units <= *largest);
        within.map_or(1, |(_, order)| *order)
    }
}

impl FromStr for Orders {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let refused = || {
            format!(
                "polynomial:{text}: give orders of at least 1, each but the last with the largest size of its clusters, from small to \
                 large and {} at most, such as polynomial:1@5,2@10,3",
                Self::MOST
            )
        };
        let parts: Vec<&str> = text.split(',').collect();
        let mut bands = [(usize::MAX, 1); Self::MOST];
        if parts.len() > Self::MOST {
            return Err(refused());
        }
        for (at, part) in parts.iter().enumerate() {
            let last = at + 1 == parts.len();
            let (order, size) = match (part.split_once('@'), last) {
                (Some((order, size)), false) => (order, size.parse().map_err(|_| refused())?),
                (None, true) => (*part, usize::MAX),
                _ => return Err(refused()),
            };
            bands[at] = (size, order.parse().map_err(|_| refused())?);
            if bands[at].1 == 0 || (at > 0 && bands[at - 1].0 >= size) {
                return Err(refused());
            }
        }
        Ok(Orders { bands })
    }
}

impl fmt::Display for Orders {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        for (size, order) in self.bands {
            if size == usize::MAX {
                return write!(f, "{order}");
            }
            write!(f, "{order}@{size},")?;
        }
        Ok(())
    }
}
