//! What the types of Parquet and Arrow mean, and files that are damaged in any one byte.

use std::sync::Arc;

use arrow_array::types::{Float16Type, Int8Type};
use arrow_array::{
    ArrayRef, BooleanArray, Date32Array, Decimal128Array, DictionaryArray, Float16Array, Float32Array,
    Float64Array, Int8Array, Int64Array, LargeStringArray, ListArray, NullArray, RecordBatch, StringArray,
    StringViewArray, Time64MicrosecondArray, TimestampMicrosecondArray, TimestampNanosecondArray,
    UInt32Array, UInt64Array,
};
use arrow_ipc::CompressionType;
use prescribe::data::{NamedMatrix, Purpose};

use super::columnar::{all_formats, arrow_file, arrow_stream, batch, parquet};
use super::*;

/// The labels of a column and, where it has them, its numbers; the same in every format.
#[track_caller]
fn means(cells: impl arrow_array::Array + 'static, labels: &[&str], numbers: Option<&[f64]>) {
    let data = batch(vec![("cell", Arc::new(cells) as ArrayRef)]);
    for (name, bytes) in all_formats(&data) {
        let table = Table::parse(name, &bytes).unwrap();
        assert_eq!(table.row_count(), labels.len(), "{name}");
        assert_eq!(table.labels("cell", Purpose::Role).unwrap(), labels, "{name}");
        let found = table.numbers("cell", Purpose::Role);
        match numbers {
            Some(numbers) => assert_eq!(found.unwrap(), numbers, "{name}"),
            None => assert!(found.unwrap_err().to_string().contains("is not a number"), "{name}"),
        }
        if let Some(numbers) = numbers.filter(|_| labels.iter().all(|label| label.parse::<f64>().is_ok())) {
            let csv = table_of_cells(labels).numbers("cell", Purpose::Role).unwrap();
            assert_eq!(csv, numbers, "as CSV");
        }
    }
}

fn table_of_cells(cells: &[&str]) -> Table {
    table(&format!("cell\n{}\n", cells.join("\n")))
}

#[test]
fn integers_of_all_widths() {
    means(Int8Array::from(vec![-128, 0, 127]), &["-128", "0", "127"], Some(&[-128.0, 0.0, 127.0]));
    means(UInt32Array::from(vec![0, u32::MAX]), &["0", "4294967295"], Some(&[0.0, 4294967295.0]));
    // Beyond 2^53 the label keeps every digit, and the number is the nearest.
    let large = 9_007_199_254_740_993;
    means(
        Int64Array::from(vec![large, i64::MIN]),
        &["9007199254740993", "-9223372036854775808"],
        Some(&[9_007_199_254_740_992.0, -9_223_372_036_854_775_808.0]),
    );
    means(
        UInt64Array::from(vec![1, u64::MAX]),
        &["1", "18446744073709551615"],
        Some(&[1.0, 18446744073709551615.0]),
    );
}

#[test]
fn floats_of_all_widths_have_the_value_of_their_shortest_decimal() {
    means(
        Float64Array::from(vec![0.1, 2.0, -1e-7, 1.7976931348623157e308]),
        &["0.1", "2", "-0.0000001", &format!("{}", f64::MAX)],
        Some(&[0.1, 2.0, -1e-7, f64::MAX]),
    );
    means(
        Float32Array::from(vec![0.1, 3.0, 16777216.0, 1e30, 1.1754944e-38]),
        &[
            "0.1",
            "3",
            "16777216",
            "1000000000000000000000000000000",
            "0.000000000000000000000000000000000000011754944",
        ],
        Some(&[0.1, 3.0, 16777216.0, 1e30, 1.1754944e-38]),
    );
    let halves = ["0.1", "2", "-0.3333"].map(|text| text.parse::<f32>().unwrap());
    type Half = <Float16Type as arrow_array::types::ArrowPrimitiveType>::Native;
    let halves = Float16Array::from_iter_values(halves.map(Half::from_f32));
    means(halves, &["0.1", "2", "-0.3333"], Some(&[0.1, 2.0, -0.3333]));
}

#[test]
fn truth_is_a_label_and_a_number() {
    means(BooleanArray::from(vec![true, false]), &["true", "false"], Some(&[1.0, 0.0]));
}

#[test]
fn decimals_keep_the_digits_of_their_scale() {
    let cells = Decimal128Array::from(vec![150, -5, 0]).with_precision_and_scale(10, 2).unwrap();
    means(cells, &["1.50", "-0.05", "0.00"], Some(&[1.5, -0.05, 0.0]));
}

#[test]
fn text_is_trimmed_as_in_csv() {
    let cells = ["drug", " none ", "a,\"b\"\nc"];
    let expected = ["drug", "none", "a,\"b\"\nc"];
    means(StringArray::from(cells.to_vec()), &expected, None);
    means(LargeStringArray::from(cells.to_vec()), &expected, None);
    means(StringViewArray::from(cells.to_vec()), &expected, None);
    means(StringArray::from(vec!["1.0", " 2", "1e3"]), &["1.0", "2", "1e3"], Some(&[1.0, 2.0, 1000.0]));
}

#[test]
fn dictionaries_are_their_values() {
    let words: DictionaryArray<Int8Type> = ["b", "a", "b"].into_iter().collect();
    means(words, &["b", "a", "b"], None);
    let numbers =
        DictionaryArray::new(Int8Array::from(vec![1, 0, 1]), Arc::new(Float64Array::from(vec![0.5, 7.0])));
    means(numbers, &["7", "0.5", "7"], Some(&[7.0, 0.5, 7.0]));
}

#[test]
fn dates_and_times_are_labels() {
    means(Date32Array::from(vec![0, 19782]), &["1970-01-01", "2024-02-29"], None);
    let moments = vec![1_709_210_096_500_000, 1_709_210_096_000_000];
    let (half, whole) = ("2024-02-29 12:34:56.5", "2024-02-29 12:34:56");
    means(TimestampMicrosecondArray::from(moments.clone()), &[half, whole], None);
    let zoned = TimestampMicrosecondArray::from(moments).with_timezone("Africa/Blantyre");
    means(zoned, &[&format!("{half}+00"), &format!("{whole}+00")], None);
    means(TimestampNanosecondArray::from(vec![1]), &["1970-01-01 00:00:00.000000001"], None);
    means(Time64MicrosecondArray::from(vec![45_296_250_000]), &["12:34:56.25"], None);
}

#[test]
fn null_is_missing_in_every_type() {
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Int64Array::from(vec![Some(1), None])),
        Arc::new(Float64Array::from(vec![Some(1.0), None])),
        Arc::new(BooleanArray::from(vec![Some(true), None])),
        Arc::new(StringArray::from(vec![Some("1"), None])),
        Arc::new(StringArray::from(vec!["1", "NA"])),
        Arc::new(StringArray::from(vec!["1", " "])),
        Arc::new(Date32Array::from(vec![Some(1), None])),
        Arc::new([Some("a"), None].into_iter().collect::<DictionaryArray<Int8Type>>()),
    ];
    for column in columns {
        for (name, bytes) in all_formats(&batch(vec![("cell", column)])) {
            let refused = Table::parse(name, &bytes).unwrap().labels("cell", Purpose::Role);
            let place = format!("{name}, row 2, column \"cell\": the value is missing");
            assert!(refused.unwrap_err().to_string().starts_with(&place), "{name}");
        }
    }
    for (name, bytes) in all_formats(&batch(vec![("cell", Arc::new(NullArray::new(2)))])) {
        assert!(Table::parse(name, &bytes).unwrap().numbers("cell", Purpose::Role).is_err(), "{name}");
    }
}

#[test]
fn incomplete_rows_are_dropped_as_from_csv() {
    let csv = "id,y,a,age,sex\n1,2,x,30,0\n2,,y,31,1\n3,1,x,,1\n4,0,y,33,0\n5,1,x,34,1\n";
    let dropping = Roles { missing: Missing::Drop, id: Some("id".into()), ..roles() };
    let expected = study(csv, &dropping).unwrap();
    assert_eq!(expected.rows, [0, 3, 4]);
    for (name, bytes) in all_formats(&super::columnar::typed(csv)) {
        let found = Study::from_table(&Table::parse("patients.csv", &bytes).unwrap(), &dropping).unwrap();
        assert_eq!(
            (&found.rows, &found.ids, &found.warnings),
            (&expected.rows, &expected.ids, &expected.warnings),
            "{name}"
        );
        assert_eq!(
            (&found.x, &found.outcome, &found.arms),
            (&expected.x, &expected.outcome, &expected.arms),
            "{name}"
        );
    }
}

/// A list, which no cell of a CSV holds, beside a column of numbers.
fn with_a_list() -> RecordBatch {
    let lists = ListArray::from_iter_primitive::<Int8Type, _, _>(vec![Some(vec![Some(1)]), None]);
    batch(vec![("tags", Arc::new(lists)), ("age", Arc::new(Float64Array::from(vec![1.0, 2.0])))])
}

#[test]
fn a_column_of_another_type_is_refused_once_it_is_used() {
    for (name, bytes) in all_formats(&with_a_list()) {
        let table = Table::parse(name, &bytes).unwrap();
        assert_eq!(table.header(), ["tags", "age"]);
        assert_eq!(table.numbers("age", Purpose::Role).unwrap(), [1.0, 2.0]);
        let message = NamedMatrix::from_table(&table).unwrap_err().to_string();
        assert!(message.starts_with(&format!("{name}, column \"tags\": values of type List(")), "{message}");
        assert!(message.ends_with("convert the column to numbers or text, or do without it"), "{message}");
    }
    let lists = with_a_list().project(&[0]).unwrap();
    for (name, bytes) in all_formats(&lists) {
        let message = Table::parse(name, &bytes).unwrap_err().to_string();
        assert!(message.contains("column \"tags\": values of type List("), "{message}");
    }
}

#[test]
fn names_and_rows_are_checked_as_in_csv() {
    let cells: ArrayRef = Arc::new(Int64Array::from(vec![1]));
    for (names, message) in [
        (
            ["age", "age"],
            "column \"age\": the header repeats this name (columns 1 and 2); rename one of them",
        ),
        (["age", ""], "the header names no column 2; give every column a name"),
    ] {
        let data = batch(vec![(names[0], cells.clone()), (names[1], cells.clone())]);
        for (name, bytes) in all_formats(&data) {
            let error = Table::parse(name, &bytes).unwrap_err().to_string();
            assert!(error.starts_with(name) && error.ends_with(message), "{name}: {error}");
        }
    }
    let empty: ArrayRef = Arc::new(Int64Array::from(Vec::<i64>::new()));
    for (name, bytes) in all_formats(&batch(vec![("age", empty)])) {
        assert_refused(
            Table::parse(name, &bytes),
            &format!("{name}: there is a header but no rows; add one line a unit"),
        );
    }
}

#[test]
fn a_csv_whose_first_column_is_called_par1_is_a_csv() {
    let table = table("PAR1,ARROW1\n1,2\n");
    assert_eq!(table.header(), ["PAR1", "ARROW1"]);
    assert_eq!(table.numbers("PAR1", Purpose::Role).unwrap(), [1.0]);
}

/// Whatever a byte is changed to and wherever the file ends, reading answers: with a table or with one refusal.
#[test]
fn a_file_damaged_anywhere_is_read_or_refused() {
    let data = super::columnar::typed("id,age,dose\na,1,0.5\nb,2,1.5\nc,,2.5\na,4,\n");
    let files = [
        parquet(&data),
        arrow_file(&data, None),
        arrow_file(&data, Some(CompressionType::LZ4_FRAME)),
        arrow_stream(&data),
    ];
    let read = |bytes: &[u8]| {
        let table = Table::parse("patients", bytes)?;
        for column in table.header().to_vec() {
            table.labels(&column, Purpose::Role)?;
        }
        Ok::<usize, DataError>(table.row_count())
    };
    let mut refused = 0;
    for bytes in files {
        for position in 0..bytes.len() {
            for flip in [0x01, 0x80, 0xFF] {
                let mut damaged = bytes.clone();
                damaged[position] ^= flip;
                refused += usize::from(read(&damaged).is_err());
            }
            refused += usize::from(read(&bytes[..position]).is_err());
        }
    }
    assert!(refused > 1000, "{refused}");
}
