//! The bytes of a ballot.

use super::{BallotCast, DecodeError, Previous, read_id, write_id};
use crate::bytes::{Reader, Writer};
use crate::id::{ChoiceNumber, ContestNumber, GroupNumber, Seq, VoterKey};
use crate::submission::Selections;

pub(super) fn write(writer: &mut Writer, ballot: &BallotCast) {
    writer.int(ballot.contest.0.into());
    writer.int(ballot.group.0.into());
    writer.raw(&ballot.voter.0);
    write_id(writer, ballot.id);
    write_selections(writer, &ballot.selections);
    writer.byte(ballot.previous.is_some().into());
    if let Some(previous) = &ballot.previous {
        writer.int(previous.seq.0);
        writer.int(previous.group.0.into());
        write_selections(writer, &previous.selections);
    }
}

pub(super) fn read(reader: &mut Reader<'_>) -> Result<BallotCast, DecodeError> {
    Ok(BallotCast {
        contest: ContestNumber(reader.small()?),
        group: GroupNumber(reader.small()?),
        voter: VoterKey(reader.raw()?),
        id: read_id(reader)?,
        selections: read_selections(reader)?,
        previous: if reader.flag()? {
            Some(Previous {
                seq: Seq(reader.int()?),
                group: GroupNumber(reader.small()?),
                selections: read_selections(reader)?,
            })
        } else {
            None
        },
    })
}

fn write_selections(writer: &mut Writer, selections: &Selections) {
    match selections {
        Selections::Choices(chosen) => {
            writer.byte(0);
            writer.int(chosen.len() as u64);
            chosen.iter().for_each(|number| writer.int(number.0.into()));
        }
        Selections::Scores(scores) => {
            writer.byte(1);
            writer.int(scores.len() as u64);
            for (number, score) in scores {
                writer.int(number.0.into());
                writer.int((*score).into());
            }
        }
    }
}

fn read_selections(reader: &mut Reader<'_>) -> Result<Selections, DecodeError> {
    let tag = reader.byte()?;
    let length: u16 = reader.small()?;
    match tag {
        0 => {
            let chosen: Vec<ChoiceNumber> =
                (0..length).map(|_| reader.small().map(ChoiceNumber)).collect::<Result<_, _>>()?;
            let rising = chosen.windows(2).all(|pair| pair[0] < pair[1]);
            if rising { Ok(Selections::Choices(chosen)) } else { Err(DecodeError::Order) }
        }
        1 => {
            let score = |reader: &mut Reader<'_>| Ok((ChoiceNumber(reader.small()?), reader.small()?));
            let scores: Vec<(ChoiceNumber, u8)> = (0..length).map(|_| score(reader)).collect::<Result<_, _>>()?;
            let rising = scores.windows(2).all(|pair| pair[0].0 < pair[1].0);
            if rising { Ok(Selections::Scores(scores)) } else { Err(DecodeError::Order) }
        }
        other => Err(DecodeError::Tag(other)),
    }
}
