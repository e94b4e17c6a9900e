//! Owns frames on a Unix stream: four bytes of length, one byte of kind, the body. Both ends use it. A
//! reader may be dropped in the middle of a frame and asked again; a writer keeps what the socket did not
//! take yet. Every length is bounded; what a frame means is [`crate::protocol`]'s.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};

use crate::Datagram;

/// The longest body of a frame, in bytes: a full state report of a large site fits many times over.
const LONGEST: usize = 4 << 20;
/// What a writer holds back at most for a peer that does not read, in bytes.
const HELD_BACK: usize = 8 << 20;
const HEAD: usize = 5;
const KIND_JSON: u8 = 0;
const KIND_DATAGRAM: u8 = 1;

/// One frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    /// A JSON document, still in bytes.
    Json(Vec<u8>),
    /// A datagram with where it comes from and where it goes.
    Datagram(Datagram),
}

/// Why a frame could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// The peer closed the connection between two frames.
    #[error("the peer closed the connection")]
    Closed,
    /// The connection broke.
    #[error("the connection broke: {0}")]
    Broken(#[from] io::Error),
    /// The bytes are no frame, or not the one that is due.
    #[error("the peer sent something that is no frame of this protocol: {0}")]
    Malformed(String),
    /// The peer does not read, and what waits for it has reached its bound.
    #[error("the peer does not read what is sent to it")]
    Congested,
}

/// Reads frames; [`FrameReader::next`] may be cancelled and called again.
#[derive(Debug)]
pub struct FrameReader {
    half: OwnedReadHalf,
    buffer: Vec<u8>,
}

impl FrameReader {
    /// Reads from `half`.
    #[must_use]
    pub fn new(half: OwnedReadHalf) -> Self {
        Self {
            half,
            buffer: Vec::with_capacity(4096),
        }
    }

    /// The next frame.
    ///
    /// # Errors
    /// [`FrameError::Closed`] at the end of the stream; otherwise when it breaks or carries nonsense.
    pub async fn next(&mut self) -> Result<Frame, FrameError> {
        loop {
            if let Some(frame) = self.take()? {
                return Ok(frame);
            }
            if self.half.read_buf(&mut self.buffer).await? == 0 {
                return Err(if self.buffer.is_empty() {
                    FrameError::Closed
                } else {
                    FrameError::Malformed("it ends in the middle of a frame".into())
                });
            }
        }
    }

    /// The next frame, which must be JSON of the given type.
    ///
    /// # Errors
    /// As [`FrameReader::next`], and when the frame is something else.
    pub async fn next_json<T: DeserializeOwned>(&mut self) -> Result<T, FrameError> {
        match self.next().await? {
            Frame::Json(text) => decode_json(&text),
            Frame::Datagram(_) => Err(FrameError::Malformed("a datagram out of place".into())),
        }
    }

    fn take(&mut self) -> Result<Option<Frame>, FrameError> {
        let Some((head, rest)) = self.buffer.split_first_chunk::<HEAD>() else {
            return Ok(None);
        };
        let [a, b, c, d, kind] = *head;
        let length = usize::try_from(u32::from_be_bytes([a, b, c, d])).unwrap_or(usize::MAX);
        if length > LONGEST {
            return Err(FrameError::Malformed(format!("a frame of {length} bytes")));
        }
        let Some(body) = rest.get(..length) else {
            return Ok(None);
        };
        let frame = match kind {
            KIND_JSON => Frame::Json(body.to_vec()),
            KIND_DATAGRAM => Frame::Datagram(
                decode_datagram(body)
                    .ok_or_else(|| FrameError::Malformed("a truncated datagram".into()))?,
            ),
            other => return Err(FrameError::Malformed(format!("a frame of kind {other}"))),
        };
        self.buffer.drain(..HEAD + length);
        Ok(Some(frame))
    }
}

/// Decodes the body of a JSON frame.
///
/// # Errors
/// When it is not what is expected.
pub(crate) fn decode_json<T: DeserializeOwned>(text: &[u8]) -> Result<T, FrameError> {
    serde_json::from_slice(text).map_err(|error| FrameError::Malformed(error.to_string()))
}

/// Writes frames. A call that is cancelled leaves whole frames: the rest is sent with the next one.
#[derive(Debug)]
pub struct FrameWriter {
    half: OwnedWriteHalf,
    pending: Vec<u8>,
}

impl FrameWriter {
    /// Writes to `half`.
    #[must_use]
    pub fn new(half: OwnedWriteHalf) -> Self {
        Self {
            half,
            pending: Vec::new(),
        }
    }

    /// Puts a JSON frame into the queue; [`FrameWriter::flush`] sends it.
    ///
    /// # Errors
    /// [`FrameError::Congested`] when too much waits already.
    pub fn queue_json<T: Serialize>(&mut self, value: &T) -> Result<(), FrameError> {
        let body =
            serde_json::to_vec(value).map_err(|error| FrameError::Malformed(error.to_string()))?;
        self.queue(KIND_JSON, &[&body])
    }

    /// Puts a datagram into the queue; [`FrameWriter::flush`] sends it.
    ///
    /// # Errors
    /// [`FrameError::Congested`] when too much waits already.
    pub fn queue_datagram(
        &mut self,
        from: SocketAddr,
        to: SocketAddr,
        payload: &[u8],
    ) -> Result<(), FrameError> {
        let mut ends = Vec::with_capacity(38);
        encode_address(&mut ends, from);
        encode_address(&mut ends, to);
        self.queue(KIND_DATAGRAM, &[&ends, payload])
    }

    fn queue(&mut self, kind: u8, parts: &[&[u8]]) -> Result<(), FrameError> {
        let length: usize = parts.iter().map(|part| part.len()).sum();
        if length > LONGEST {
            return Err(FrameError::Malformed(format!("a frame of {length} bytes")));
        }
        if self.pending.len() + length > HELD_BACK {
            return Err(FrameError::Congested);
        }
        let length = u32::try_from(length).unwrap_or(u32::MAX);
        self.pending.extend_from_slice(&length.to_be_bytes());
        self.pending.push(kind);
        for part in parts {
            self.pending.extend_from_slice(part);
        }
        Ok(())
    }

    /// Sends everything that is queued.
    ///
    /// # Errors
    /// When the connection breaks.
    pub async fn flush(&mut self) -> Result<(), FrameError> {
        while !self.pending.is_empty() {
            let sent = self.half.write(&self.pending).await?;
            if sent == 0 {
                return Err(FrameError::Closed);
            }
            self.pending.drain(..sent);
        }
        Ok(())
    }

    /// Queues and sends one JSON frame.
    ///
    /// # Errors
    /// As the two steps.
    pub async fn send_json<T: Serialize>(&mut self, value: &T) -> Result<(), FrameError> {
        self.queue_json(value)?;
        self.flush().await
    }
}

fn encode_address(out: &mut Vec<u8>, address: SocketAddr) {
    match address.ip() {
        IpAddr::V4(ip) => {
            out.push(4);
            out.extend_from_slice(&ip.octets());
        }
        IpAddr::V6(ip) => {
            out.push(6);
            out.extend_from_slice(&ip.octets());
        }
    }
    out.extend_from_slice(&address.port().to_be_bytes());
}

fn decode_address(body: &[u8]) -> Option<(SocketAddr, &[u8])> {
    let (family, rest) = body.split_first()?;
    let (ip, rest): (IpAddr, &[u8]) = match family {
        4 => {
            let (octets, rest) = rest.split_first_chunk::<4>()?;
            (Ipv4Addr::from(*octets).into(), rest)
        }
        6 => {
            let (octets, rest) = rest.split_first_chunk::<16>()?;
            (Ipv6Addr::from(*octets).into(), rest)
        }
        _ => return None,
    };
    let (port, rest) = rest.split_first_chunk::<2>()?;
    Some((SocketAddr::new(ip, u16::from_be_bytes(*port)), rest))
}

fn decode_datagram(body: &[u8]) -> Option<Datagram> {
    let (from, rest) = decode_address(body)?;
    let (to, payload) = decode_address(rest)?;
    Some(Datagram {
        from,
        to,
        payload: payload.to_vec(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::UnixStream;

    fn pair() -> (FrameReader, FrameWriter, OwnedWriteHalf) {
        let (left, right) = UnixStream::pair().expect("a socket pair");
        let (read, spare) = left.into_split();
        let (_, write) = right.into_split();
        (FrameReader::new(read), FrameWriter::new(write), spare)
    }

    #[tokio::test]
    async fn datagrams_of_both_families_arrive_as_they_were_sent() {
        let (mut reader, mut writer, _spare) = pair();
        let v4: SocketAddr = "10.10.11.103:5060".parse().expect("an address");
        let v6: SocketAddr = "[2001:db8::103]:5060".parse().expect("an address");
        writer
            .queue_datagram(v4, v6, b"OPTIONS")
            .expect("room in the queue");
        writer
            .queue_datagram(v6, v4, b"")
            .expect("room in the queue");
        writer.flush().await.expect("sent");
        let first = reader.next().await.expect("a frame");
        assert_eq!(
            first,
            Frame::Datagram(Datagram {
                from: v4,
                to: v6,
                payload: b"OPTIONS".to_vec()
            })
        );
        let second = reader.next().await.expect("a frame");
        assert_eq!(
            second,
            Frame::Datagram(Datagram {
                from: v6,
                to: v4,
                payload: Vec::new()
            })
        );
    }

    #[tokio::test]
    async fn a_length_beyond_the_bound_is_refused_before_anything_is_stored() {
        let (left, mut right) = UnixStream::pair().expect("a socket pair");
        right
            .write_all(&[0xff, 0xff, 0xff, 0xff, 0])
            .await
            .expect("sent");
        let (read, _write) = left.into_split();
        let error = FrameReader::new(read).next().await.expect_err("no frame");
        assert!(matches!(error, FrameError::Malformed(_)), "{error}");
    }

    #[tokio::test]
    async fn a_stream_that_ends_inside_a_frame_is_not_a_clean_end() {
        let (left, mut right) = UnixStream::pair().expect("a socket pair");
        right.write_all(&[0, 0, 0, 9, 0, b'{']).await.expect("sent");
        drop(right);
        let (read, _write) = left.into_split();
        let error = FrameReader::new(read).next().await.expect_err("no frame");
        assert!(matches!(error, FrameError::Malformed(_)), "{error}");
    }

    #[tokio::test]
    async fn a_peer_that_never_reads_meets_a_bound() {
        let (_reader, mut writer, _spare) = pair();
        let at: SocketAddr = "10.10.11.103:5060".parse().expect("an address");
        let payload = vec![0_u8; 60_000];
        let mut queued = 0;
        let end = loop {
            match writer.queue_datagram(at, at, &payload) {
                Ok(()) => queued += 1,
                Err(error) => break error,
            }
        };
        assert!(matches!(end, FrameError::Congested), "{end}");
        assert!(queued < 200, "{queued} datagrams were held back");
    }
}
