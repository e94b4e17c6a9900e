//! Cuts a byte stream into messages by Content-Length (RFC 3261, 18.3). Owns the partial message of one connection
//! and its bounds; when a connection that never finishes a message is closed is its shell's.

/// Longest message on a stream, in bytes.
const LONGEST: usize = crate::message::parse::LONGEST;

/// The stream cannot be followed any further: close the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lost;

/// The partial message of a connection.
#[derive(Debug, Default)]
pub struct Framer {
    pending: Vec<u8>,
}

impl Framer {
    /// Takes what arrived; gives the messages that it completed.
    ///
    /// # Errors
    /// [`Lost`] when a message is too long or says no length.
    pub fn push(&mut self, bytes: &[u8]) -> Result<Vec<Vec<u8>>, Lost> {
        self.pending.extend_from_slice(bytes);
        let mut messages = Vec::new();
        loop {
            let blank = self
                .pending
                .iter()
                .take_while(|byte| matches!(byte, b'\r' | b'\n'))
                .count();
            self.pending.drain(..blank);
            let Some(head) = find(&self.pending) else {
                if self.pending.len() > LONGEST {
                    return Err(Lost);
                }
                return Ok(messages);
            };
            let length =
                content_length(self.pending.get(..head).unwrap_or_default()).ok_or(Lost)?;
            let whole = head + 4 + length;
            if whole > LONGEST {
                return Err(Lost);
            }
            if self.pending.len() < whole {
                return Ok(messages);
            }
            messages.push(self.pending.drain(..whole).collect());
        }
    }

    /// True while a message has begun and not ended.
    pub fn is_within_a_message(&self) -> bool {
        !self.pending.is_empty()
    }
}

fn find(bytes: &[u8]) -> Option<usize> {
    bytes.windows(4).position(|window| window == b"\r\n\r\n")
}

fn content_length(head: &[u8]) -> Option<usize> {
    head.split(|byte| *byte == b'\n').find_map(|line| {
        let line = std::str::from_utf8(line).ok()?;
        let (name, value) = line.split_once(':')?;
        let name = name.trim();
        let named = name.eq_ignore_ascii_case("content-length") || name.eq_ignore_ascii_case("l");
        if named {
            value.trim().parse().ok()
        } else {
            None
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_come_out_whole_however_the_stream_is_cut() {
        let text = b"\r\n\r\nA sip:b SIP/2.0\r\nl: 3\r\n\r\nabcSIP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n";
        let mut framer = Framer::default();
        let mut seen = Vec::new();
        for byte in text {
            seen.extend(framer.push(&[*byte]).expect("it can be followed"));
        }
        assert_eq!(
            seen,
            [
                b"A sip:b SIP/2.0\r\nl: 3\r\n\r\nabc".to_vec(),
                b"SIP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n".to_vec()
            ]
        );
        assert_eq!(framer.push(b"A sip:b SIP/2.0\r\n\r\n"), Err(Lost));
    }
}
