//! The bytes of a change of state.

use super::{DecodeError, StateChange, StateChanged, read_by, write_by};
use crate::bytes::{Reader, Writer};
use crate::id::{ContestId, ContestNumber};

pub(super) fn write(writer: &mut Writer, changed: &StateChanged) {
    writer.int(changed.contest.0.into());
    write_by(writer, &changed.by, changed.reason.as_ref());
    match &changed.change {
        StateChange::Opened { scheduled, definition } => {
            writer.byte((*scheduled).into());
            writer.raw(definition);
        }
        StateChange::Closed { scheduled } => writer.byte((*scheduled).into()),
        StateChange::RoundStarted { next, definition } | StateChange::Added { next, definition } => {
            writer.raw(next.0.as_bytes());
            writer.raw(definition);
        }
        StateChange::Paused | StateChange::Reopened | StateChange::Revealed | StateChange::Certified => {}
    }
}

pub(super) fn read(reader: &mut Reader<'_>, kind: u8) -> Result<StateChanged, DecodeError> {
    let contest = ContestNumber(reader.small()?);
    let (by, reason) = read_by(reader)?;
    let change = match kind {
        2 => StateChange::Opened { scheduled: reader.flag()?, definition: reader.raw()? },
        3 => StateChange::Paused,
        4 => StateChange::Closed { scheduled: reader.flag()? },
        5 => StateChange::Reopened,
        6 => StateChange::Revealed,
        12 => StateChange::Certified,
        _ => {
            let next = ContestId(uuid::Uuid::from_bytes(reader.raw()?));
            let definition = reader.raw()?;
            if kind == 7 {
                StateChange::RoundStarted { next, definition }
            } else {
                StateChange::Added { next, definition }
            }
        }
    };
    Ok(StateChanged { contest, change, by, reason })
}
