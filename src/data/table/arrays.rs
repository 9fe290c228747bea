//! What the types of Arrow mean as cells.
//!
//! | type | as text | as a number |
//! |---|---|---|
//! | integers | decimal | the nearest f64 |
//! | floats of 16, 32 and 64 bits | the shortest decimal that determines them at their width | that decimal as f64 |
//! | boolean | `true`, `false` | 1, 0 |
//! | decimal | with all digits of its scale (`1.50`) | that text as f64 |
//! | text | trimmed | that text as f64, as in CSV |
//! | date, time | `2024-02-29`, `23:59:00.5` | none |
//! | timestamp | `2024-02-29 23:59:00.5`, with a time zone in UTC and followed by `+00` | none |
//! | dictionary | as its values | as its values |
//!
//! Null is missing, as an empty cell is. NaN and infinities are values that are no finite numbers, and are refused where a
//! number is needed, as in CSV. Lists, structures, bytes, UUIDs stored as bytes, durations and intervals are neither numbers
//! nor labels.
//!
//! A float of 32 bits goes through its decimal text because CSV does: 0.1 is 0.1 in both, not 0.10000000149.

use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, ArrowTemporalType, Date32Type, Date64Type, Decimal32Type, Decimal64Type,
    Decimal128Type, Decimal256Type, DecimalType, Float16Type, Float32Type, Float64Type, Int8Type, Int16Type,
    Int32Type, Int64Type, Time32MillisecondType, Time32SecondType, Time64MicrosecondType,
    Time64NanosecondType, TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType,
    TimestampSecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, PrimitiveArray};
use arrow_schema::{DataType, TimeUnit};

use super::column::{Column, Text};

type Half = <Float16Type as ArrowPrimitiveType>::Native;

/// The cells of an array; none where its type is neither of numbers nor of labels.
pub(super) fn column_of(array: &dyn Array) -> Option<Column> {
    Some(match array.data_type() {
        DataType::Null => Column::Text((0..array.len()).map(|_| "").collect()),
        DataType::Boolean => Column::Booleans(array.as_boolean().iter().collect()),
        DataType::Int8 => integers::<Int8Type>(array),
        DataType::Int16 => integers::<Int16Type>(array),
        DataType::Int32 => integers::<Int32Type>(array),
        DataType::Int64 => integers::<Int64Type>(array),
        DataType::UInt8 => integers::<UInt8Type>(array),
        DataType::UInt16 => integers::<UInt16Type>(array),
        DataType::UInt32 => integers::<UInt32Type>(array),
        DataType::UInt64 => text::<UInt64Type>(array, |array, row| Some(array.value(row).to_string())),
        DataType::Float16 => floats::<Float16Type>(array, half),
        DataType::Float32 => floats::<Float32Type>(array, single),
        DataType::Float64 => floats::<Float64Type>(array, |value| value),
        DataType::Decimal32(_, scale) => decimals::<Decimal32Type>(array, *scale),
        DataType::Decimal64(_, scale) => decimals::<Decimal64Type>(array, *scale),
        DataType::Decimal128(_, scale) => decimals::<Decimal128Type>(array, *scale),
        DataType::Decimal256(_, scale) => decimals::<Decimal256Type>(array, *scale),
        DataType::Utf8 => Column::Text(strings(array.as_string::<i32>().iter())),
        DataType::LargeUtf8 => Column::Text(strings(array.as_string::<i64>().iter())),
        DataType::Utf8View => Column::Text(strings(array.as_string_view().iter())),
        DataType::Dictionary(_, _) => return dictionary(array),
        _ => return moments(array),
    })
}

fn integers<T: ArrowPrimitiveType<Native: Into<i64>>>(array: &dyn Array) -> Column {
    Column::Integers(array.as_primitive::<T>().iter().map(|cell| cell.map(Into::into)).collect())
}

fn floats<T: ArrowPrimitiveType>(array: &dyn Array, widen: fn(T::Native) -> f64) -> Column {
    Column::Floats(array.as_primitive::<T>().iter().map(|cell| cell.map(widen)).collect())
}

/// The decimal that determines a float of 32 bits, as a float of 64.
fn single(value: f32) -> f64 {
    let exact = f64::from(value);
    // A whole number below 2^53 is its own text, and what is not finite has none.
    if !exact.is_finite() || (exact.fract() == 0.0 && exact.abs() < 9e15) {
        return exact;
    }
    value.to_string().parse().unwrap_or(exact)
}

/// The decimal with the fewest digits (five determine it) that determines a float of 16 bits, as a float of 64.
fn half(value: Half) -> f64 {
    let exact = value.to_f64();
    let rounded = |digits: usize| format!("{exact:.digits$e}").parse::<f64>().ok();
    let determines = |decimal: &f64| Half::from_f64(*decimal) == value;
    (0..5).filter_map(rounded).find(determines).unwrap_or(exact)
}

fn decimals<T: DecimalType>(array: &dyn Array, scale: i8) -> Column {
    text::<T>(array, |array, row| Some(T::format_decimal(array.value(row), T::MAX_PRECISION, scale)))
}

fn text<T: ArrowPrimitiveType>(
    array: &dyn Array,
    cell: impl Fn(&PrimitiveArray<T>, usize) -> Option<String>,
) -> Column {
    let array = array.as_primitive::<T>();
    // What no calendar reaches keeps the number that the file gives it.
    let cell = |row| cell(array, row).unwrap_or_else(|| format!("{:?}", array.value(row)));
    Column::Text(
        (0..array.len()).map(|row| if array.is_null(row) { String::new() } else { cell(row) }).collect(),
    )
}

fn strings<'a>(cells: impl Iterator<Item = Option<&'a str>>) -> Text {
    cells.map(Option::unwrap_or_default).collect()
}

fn dictionary(array: &dyn Array) -> Option<Column> {
    let dictionary = array.as_any_dictionary();
    let values = column_of(dictionary.values())?;
    if values.len() == 0 {
        return Some(values.take((0..array.len()).map(|_| None)));
    }
    let keys = dictionary.normalized_keys().into_iter().enumerate();
    Some(values.take(keys.map(|(row, key)| (!array.is_null(row)).then_some(key))))
}

/// Dates, times and timestamps.
fn moments(array: &dyn Array) -> Option<Column> {
    Some(match array.data_type() {
        DataType::Date32 => dates::<Date32Type>(array),
        DataType::Date64 => dates::<Date64Type>(array),
        DataType::Time32(TimeUnit::Second) => times::<Time32SecondType>(array),
        DataType::Time32(TimeUnit::Millisecond) => times::<Time32MillisecondType>(array),
        DataType::Time64(TimeUnit::Microsecond) => times::<Time64MicrosecondType>(array),
        DataType::Time64(TimeUnit::Nanosecond) => times::<Time64NanosecondType>(array),
        DataType::Timestamp(unit, zone) => {
            let suffix = if zone.is_some() { "+00" } else { "" };
            match unit {
                TimeUnit::Second => timestamps::<TimestampSecondType>(array, suffix),
                TimeUnit::Millisecond => timestamps::<TimestampMillisecondType>(array, suffix),
                TimeUnit::Microsecond => timestamps::<TimestampMicrosecondType>(array, suffix),
                TimeUnit::Nanosecond => timestamps::<TimestampNanosecondType>(array, suffix),
            }
        }
        _ => return None,
    })
}

fn dates<T: ArrowTemporalType>(array: &dyn Array) -> Column
where
    i64: From<T::Native>,
{
    text::<T>(array, |array, row| array.value_as_date(row).map(|date| date.to_string()))
}

fn times<T: ArrowTemporalType>(array: &dyn Array) -> Column
where
    i64: From<T::Native>,
{
    text::<T>(array, |array, row| array.value_as_time(row).map(|time| without_zeros(time.to_string())))
}

fn timestamps<T: ArrowTemporalType>(array: &dyn Array, suffix: &str) -> Column
where
    i64: From<T::Native>,
{
    text::<T>(array, |array, row| {
        array.value_as_datetime(row).map(|moment| without_zeros(moment.to_string()) + suffix)
    })
}

/// A time without the zeros at the end of its fraction of a second.
fn without_zeros(time: String) -> String {
    if time.contains('.') { time.trim_end_matches('0').trim_end_matches('.').to_owned() } else { time }
}
