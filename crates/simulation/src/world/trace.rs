//! The lines of a run and its fingerprint. Without a reader no line is made; the fingerprint is taken of numbers.

/// What was said in a run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trace {
    collects: bool,
    pub(crate) lines: Vec<String>,
    fingerprint: u64,
}

impl Trace {
    pub(crate) fn new(collects: bool) -> Self {
        Self {
            collects,
            lines: Vec::new(),
            fingerprint: 0xCBF2_9CE4_8422_2325,
        }
    }

    pub(crate) fn collects(&self) -> bool {
        self.collects
    }

    /// `12.345678 scs -> lca@host1 …`
    pub(crate) fn push(&mut self, now: u64, text: String) {
        if self.collects {
            let (seconds, micros) = (now / 1_000_000, now % 1_000_000);
            self.lines.push(format!("{seconds:>3}.{micros:06} {text}"));
        }
    }

    /// Mixes something that happened into the fingerprint (FNV-1a over words).
    pub(crate) fn mark(&mut self, now: u64, what: u64) {
        for word in [now, what] {
            self.fingerprint = (self.fingerprint ^ word).wrapping_mul(0x0000_0100_0000_01B3);
            self.fingerprint ^= self.fingerprint >> 29;
        }
    }

    pub(crate) fn fingerprint(&self) -> u64 {
        self.fingerprint
    }
}
