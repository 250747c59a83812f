//! The bytes of a report. The request stands at the end, so that SQL can show it without knowing the rest.

use super::{DecodeError, ReportFiled, Standing, read_by, read_id, read_one_of, write_by, write_id, write_optional};
use crate::bytes::{Reader, Writer};
use crate::id::{ChoiceNumber, ContestNumber, Revision, Seq, Time, UnitNumber};
use crate::report::{Content, Counts, ReportStatus};
use crate::unit::Channel;

pub(super) fn write(writer: &mut Writer, filed: &ReportFiled) {
    writer.int(filed.contest.0.into());
    writer.int(filed.ballot_box.0.into());
    writer.int(filed.place.0.into());
    writer.byte(filed.channel as u8);
    writer.int(filed.revision.0.into());
    write_id(writer, filed.id);
    if let Content::Filed(counts) = &filed.content {
        write_counts(writer, counts);
    }
    match &filed.standing {
        Standing::First => writer.byte(0),
        Standing::Replaces { seq, revision, counts } => {
            writer.byte(1);
            writer.int(seq.0);
            writer.int(revision.0.into());
            writer.byte(counts.is_some().into());
            if let Some(counts) = counts {
                write_counts(writer, counts);
            }
        }
        Standing::Late { current } => {
            writer.byte(2);
            writer.int(current.0);
        }
    }
    write_optional(writer, filed.reported_at.map(|time| time.0));
    write_by(writer, &filed.by, filed.reason.as_ref());
    writer.int(filed.request.len() as u64);
    writer.raw(&filed.request);
}

pub(super) fn read(reader: &mut Reader<'_>, kind: u8) -> Result<ReportFiled, DecodeError> {
    let contest = ContestNumber(reader.small()?);
    let ballot_box = UnitNumber(reader.small()?);
    let place = UnitNumber(reader.small()?);
    let channel = read_one_of(reader, &Channel::ALL)?;
    let revision = Revision(reader.small()?);
    let id = read_id(reader)?;
    let content = if kind == 10 { Content::Filed(read_counts(reader)?) } else { Content::Withdrawn };
    let standing = match reader.byte()? {
        0 => Standing::First,
        1 => Standing::Replaces {
            seq: Seq(reader.int()?),
            revision: Revision(reader.small()?),
            counts: if reader.flag()? { Some(read_counts(reader)?) } else { None },
        },
        2 => Standing::Late { current: Seq(reader.int()?) },
        other => return Err(DecodeError::Tag(other)),
    };
    let reported_at = if reader.flag()? { Some(Time(reader.int()?)) } else { None };
    let (by, reason) = read_by(reader)?;
    let request = reader.bytes()?;
    Ok(ReportFiled {
        contest,
        ballot_box,
        place,
        channel,
        revision,
        id,
        content,
        standing,
        reported_at,
        by,
        reason,
        request,
    })
}

fn write_counts(writer: &mut Writer, counts: &Counts) {
    writer.byte(counts.status as u8);
    writer.int(counts.votes.len() as u64);
    for (number, votes) in &counts.votes {
        writer.int(number.0.into());
        writer.int((*votes).into());
    }
    writer.int(counts.blank.into());
    writer.int(counts.invalid.into());
    writer.int(counts.cast.into());
}

fn read_counts(reader: &mut Reader<'_>) -> Result<Counts, DecodeError> {
    let status = read_one_of(reader, &[ReportStatus::Provisional, ReportStatus::Final])?;
    let length: u16 = reader.small()?;
    let vote = |reader: &mut Reader<'_>| Ok((ChoiceNumber(reader.small()?), reader.small()?));
    let votes: Vec<(ChoiceNumber, u32)> = (0..length).map(|_| vote(reader)).collect::<Result<_, _>>()?;
    if votes.windows(2).any(|pair| pair[0].0 >= pair[1].0) {
        return Err(DecodeError::Order);
    }
    let counts = Counts { status, votes, blank: reader.small()?, invalid: reader.small()?, cast: reader.small()? };
    let numbers = counts.votes.iter().map(|(_, votes)| *votes);
    let in_range = numbers.clone().all(|votes| votes > 0)
        && numbers.chain([counts.blank, counts.invalid, counts.cast]).all(|number| number <= Counts::NUMBER_MAX);
    if in_range { Ok(counts) } else { Err(DecodeError::Range) }
}
