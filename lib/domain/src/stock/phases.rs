//! Stock changes before and after the write that they belong to.

use super::level::{Change, Floor, StockChange};

/// Changes of stock that one write cannot hold, divided by when they are made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Phases {
    /// Made before the write that they belong to: they may be refused, and undoing one is always possible.
    pub takes: Vec<StockChange>,
    /// Made after it: they are never refused, and undoing one may be impossible, because another sale has picked the units.
    pub gives: Vec<StockChange>,
}

impl Phases {
    /// Divides changes. One that adds units is made after the write; its floor, where it has one, is checked before.
    #[must_use]
    pub fn of(changes: &[StockChange]) -> Self {
        let mut phases = Self::default();
        for change in changes {
            if change.change.on_hand <= 0 && change.change.unpicked <= 0 {
                phases.takes.push(change.clone());
                continue;
            }
            if change.floor != Floor::None {
                phases.takes.push(StockChange { change: Change::default(), ..change.clone() });
            }
            phases.gives.push(StockChange { floor: Floor::None, ..change.clone() });
        }
        phases
    }
}

#[cfg(test)]
mod tests {
    use super::super::level::StockKey;
    use super::*;

    fn change(on_hand: i64, allocated: i64, unpicked: i64, floor: Floor) -> StockChange {
        let key = StockKey { product_id: "p".into(), location_id: "l".into() };
        StockChange { key, change: Change { on_hand, allocated, unpicked }, floor }
    }

    /// P4: whatever was moved before the write can be undone, and whatever follows it can be done, on any level.
    #[test]
    fn p4_takes_can_be_undone_and_gives_can_be_done_on_any_level() {
        let all: Vec<StockChange> = [-2, 0, 2]
            .into_iter()
            .flat_map(|on_hand| [-2, 0, 2].map(|unpicked| (on_hand, unpicked)))
            .flat_map(|(on_hand, unpicked)| [-1, 0, 1].map(|allocated| (on_hand, allocated, unpicked)))
            .flat_map(|(o, a, u)| [Floor::None, Floor::Available(3), Floor::Unpicked(3)].map(|floor| change(o, a, u, floor)))
            .collect();
        for one in &all {
            let Phases { takes, gives } = Phases::of(std::slice::from_ref(one));
            let total = takes.iter().chain(&gives).fold(Change::default(), |sum, part| sum.plus(part.change));
            assert_eq!(total, one.change, "{one:?}");
            for take in &takes {
                let undone = take.change.inverse();
                assert!(undone.unpicked >= 0 && undone.on_hand >= 0, "{take:?} cannot always be undone");
            }
            assert!(gives.iter().all(|give| give.floor == Floor::None), "{one:?} may be refused after the write");
            // What must be there is asked before the write.
            assert!(one.floor == Floor::None || takes.iter().any(|take| take.floor == one.floor), "{one:?}");
        }
    }
}
