//! Samples of what fencing says: leases, votes, marks, and the witness link.

use changeover_model::message::{FromPeerLca, Holding, LcaOrder, LcaReport, SoleMark, ToPeerLca};
use changeover_model::{Epoch, Refusal, RefusalCode};
use std::time::Duration;

pub(crate) fn sole_mark() -> SoleMark {
    SoleMark {
        pair: "SIP_EAST".into(),
        epoch: Epoch(3),
        host: "host1".into(),
    }
}

fn holdings() -> Vec<Holding> {
    vec![Holding {
        pair: "SIP_EAST".into(),
        epoch: Epoch(3),
    }]
}

pub(crate) fn fencing_orders() -> Vec<LcaOrder> {
    vec![
        LcaOrder::Beat {
            sequence: 6,
            answered: 5,
            grants: holdings(),
        },
        LcaOrder::RequestVote {
            pair: "SIP_EAST".into(),
            epoch: Epoch(4),
            yielded: true,
        },
        LcaOrder::MarkSole {
            mark: sole_mark(),
            sole: true,
        },
    ]
}

pub(crate) fn fencing_reports() -> Vec<LcaReport> {
    vec![
        LcaReport::Voted {
            pair: "SIP_EAST".into(),
            epoch: Epoch(4),
            released: true,
            quiet: Some(Duration::from_millis(3000)),
        },
        LcaReport::Voted {
            pair: "SIP_EAST".into(),
            epoch: Epoch(5),
            released: false,
            quiet: None,
        },
        LcaReport::VoteRefused {
            pair: "SIP_EAST".into(),
            epoch: Epoch(4),
            refusal: Refusal::new(RefusalCode::SoleMark, "host1 holds it alone"),
        },
        LcaReport::SoleMarked {
            mark: sole_mark(),
            sole: false,
        },
        LcaReport::Fenced {
            pair: "SIP_EAST".into(),
            epoch: Epoch(4),
            reason: "nobody has answered".into(),
        },
    ]
}

pub(crate) fn to_peer_lca() -> Vec<ToPeerLca> {
    vec![
        ToPeerLca::Hello {
            host: "host1".into(),
            session: 11,
        },
        ToPeerLca::Beat {
            sequence: 2,
            holds: holdings(),
        },
        ToPeerLca::Released {
            pair: "SIP_EAST".into(),
            epoch: Epoch(4),
        },
    ]
}

pub(crate) fn from_peer_lca() -> Vec<FromPeerLca> {
    vec![
        FromPeerLca::BeatAnswered {
            sequence: 2,
            grants: holdings(),
            overtaken: holdings(),
        },
        FromPeerLca::Release {
            pair: "SIP_EAST".into(),
            epoch: Epoch(4),
        },
    ]
}
