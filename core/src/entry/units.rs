//! The bytes of units that come and go.

use super::{
    DecodeError, UnitRetired, UnitsAdded, read_by, read_one_of, read_text, write_by, write_optional,
    write_optional_text,
};
use crate::bytes::{Reader, Writer};
use crate::id::UnitNumber;
use crate::text::{Label, Text};
use crate::unit::{Channel, Unit, UnitKind};

pub(super) fn write_added(writer: &mut Writer, added: &UnitsAdded) {
    writer.int(added.first.0.into());
    write_by(writer, &added.by, added.reason.as_ref());
    writer.int(added.units.len() as u64);
    for unit in &added.units {
        writer.text(unit.code.as_str());
        write_optional_text(writer, unit.name.as_ref().map(Text::as_str));
        writer.byte(unit.kind as u8);
        writer.int(unit.parent.0.into());
        writer.int(unit.place.0.into());
        writer.byte(unit.channel as u8);
        write_optional(writer, unit.registered.map(u64::from));
        write_optional(writer, unit.boxes.map(u64::from));
    }
}

/// What a unit takes at the least.
const UNIT_BYTES_MIN: usize = 9;

pub(super) fn read_added(reader: &mut Reader<'_>) -> Result<UnitsAdded, DecodeError> {
    let first = UnitNumber(reader.small()?);
    let (by, reason) = read_by(reader)?;
    let length: u32 = reader.small()?;
    // A length that is not true must not take memory.
    let mut units = Vec::with_capacity(reader.left().div_ceil(UNIT_BYTES_MIN).min(length as usize));
    for _ in 0..length {
        units.push(read_unit(reader)?);
    }
    Ok(UnitsAdded { first, units, by, reason })
}

fn read_unit(reader: &mut Reader<'_>) -> Result<Unit, DecodeError> {
    Ok(Unit {
        code: read_code(reader)?,
        name: if reader.flag()? { Some(read_text(reader)?) } else { None },
        kind: read_one_of(reader, &UnitKind::ALL)?,
        parent: UnitNumber(reader.small()?),
        place: UnitNumber(reader.small()?),
        channel: read_one_of(reader, &Channel::ALL)?,
        registered: if reader.flag()? { Some(reader.small()?) } else { None },
        boxes: if reader.flag()? { Some(reader.small()?) } else { None },
        is_retired: false,
    })
}

fn read_code(reader: &mut Reader<'_>) -> Result<Label, DecodeError> {
    let raw = reader.text()?;
    match Label::parse(&raw) {
        Ok(code) if code.as_str() == raw => Ok(code),
        _ => Err(DecodeError::Text),
    }
}

pub(super) fn write_retired(writer: &mut Writer, retired: &UnitRetired) {
    writer.int(retired.unit.0.into());
    writer.byte(retired.kind as u8);
    writer.int(retired.place.0.into());
    writer.byte(retired.channel as u8);
    writer.int(retired.registered.into());
    writer.int(retired.boxes.into());
    write_by(writer, &retired.by, retired.reason.as_ref());
}

pub(super) fn read_retired(reader: &mut Reader<'_>) -> Result<UnitRetired, DecodeError> {
    let unit = UnitNumber(reader.small()?);
    let kind = read_one_of(reader, &UnitKind::ALL)?;
    let place = UnitNumber(reader.small()?);
    let channel = read_one_of(reader, &Channel::ALL)?;
    let registered = reader.small()?;
    let boxes = reader.small()?;
    let (by, reason) = read_by(reader)?;
    Ok(UnitRetired { unit, kind, place, channel, registered, boxes, by, reason })
}
