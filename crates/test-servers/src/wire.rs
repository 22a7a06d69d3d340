//! Just enough of MongoDB's wire protocol to stand between a driver and a server:
//! <https://www.mongodb.com/docs/manual/reference/mongodb-wire-protocol/>.

use mongodb::bson::Document;
use tokio::io::{AsyncRead, AsyncReadExt};

const OP_REPLY: i32 = 1;
const OP_QUERY: i32 = 2004;
const OP_MSG: i32 = 2013;
const HEADER: usize = 16;
const CHECKSUM_PRESENT: u32 = 1;
const MORE_TO_COME: u32 = 1 << 1;
const EXHAUST_ALLOWED: u32 = 1 << 16;

/// A message with its header.
pub(crate) struct Message(Vec<u8>);

impl Message {
    /// The next one, or `None` when the connection ends.
    pub(crate) async fn read(from: &mut (impl AsyncRead + Unpin)) -> Option<Self> {
        let mut bytes = vec![0; HEADER];
        from.read_exact(&mut bytes).await.ok()?;
        let length = usize::try_from(i32_at(&bytes, 0)).ok()?;
        bytes.resize(length.max(HEADER), 0);
        from.read_exact(&mut bytes[HEADER..]).await.ok()?;
        Some(Self(bytes))
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }

    fn id(&self) -> i32 {
        i32_at(&self.0, 4)
    }

    fn operation(&self) -> i32 {
        i32_at(&self.0, 12)
    }

    fn flags(&self) -> u32 {
        match self.operation() {
            OP_MSG => u32::from_le_bytes(self.0[HEADER..HEADER + 4].try_into().unwrap()),
            _ => 0,
        }
    }

    /// Whether nobody answers it.
    pub(crate) fn is_unacknowledged(&self) -> bool {
        self.flags() & MORE_TO_COME != 0
    }

    /// Whether it may be answered more than once.
    pub(crate) fn takes_a_stream(&self) -> bool {
        self.flags() & EXHAUST_ALLOWED != 0
    }

    /// The command or the reply, without the documents of a bulk write.
    pub(crate) fn body(&self) -> Document {
        let mut rest = &self.0[self.body_at()..];
        Document::from_reader(&mut rest).unwrap()
    }

    fn body_at(&self) -> usize {
        match self.operation() {
            // Flags, cursor, start and count.
            OP_REPLY => HEADER + 20,
            // Flags, a name that ends with NUL, skip and count.
            OP_QUERY => {
                let name = &self.0[HEADER + 4..];
                HEADER + 4 + name.iter().position(|byte| *byte == 0).unwrap() + 1 + 8
            }
            OP_MSG => self.command_at(),
            other => panic!("the operation {other} is not spoken here"),
        }
    }

    /// Drivers may send the documents of a bulk write before the command or after it.
    fn command_at(&self) -> usize {
        let mut at = HEADER + 4;
        while self.0[at] == 1 {
            at += 1 + usize::try_from(i32_at(&self.0, at + 1)).unwrap();
        }
        at + 1
    }

    /// The same reply with another document; it has no checksum and no more to come.
    pub(crate) fn with_body(&self, body: &Document) -> Self {
        let prefix = match self.operation() {
            OP_REPLY => self.0[HEADER..HEADER + 20].to_vec(),
            _ => message_prefix(self.flags() & !(CHECKSUM_PRESENT | MORE_TO_COME)),
        };
        Self::assembled(
            self.id(),
            i32_at(&self.0, 8),
            self.operation(),
            prefix,
            body,
        )
    }

    /// An answer to this command; `more` of them follow.
    pub(crate) fn answer(&self, body: &Document, more: bool) -> Self {
        let flags = if more { MORE_TO_COME } else { 0 };
        // The next answer of a stream says that it answers this one.
        let id = self.id().wrapping_add(1);
        Self::assembled(id, self.id(), OP_MSG, message_prefix(flags), body)
    }

    fn assembled(id: i32, to: i32, operation: i32, prefix: Vec<u8>, body: &Document) -> Self {
        let mut bytes = [0, id, to, operation].map(i32::to_le_bytes).concat();
        bytes.extend(prefix);
        body.to_writer(&mut bytes).unwrap();
        let length = i32::try_from(bytes.len()).unwrap();
        bytes[..4].copy_from_slice(&length.to_le_bytes());
        Self(bytes)
    }
}

/// The flags, and that one document follows.
fn message_prefix(flags: u32) -> Vec<u8> {
    let mut prefix = flags.to_le_bytes().to_vec();
    prefix.push(0);
    prefix
}

fn i32_at(bytes: &[u8], at: usize) -> i32 {
    i32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())
}
