//! Where Polars meets Arrow: a column crosses by the C data interface, without a copy.
//!
//! In: a Polars series. Out: an Arrow array over the same memory. Never: `unsafe` anywhere else in this room.
//! Both libraries define the two structs of the interface for themselves; their sizes are compared when this
//! file is compiled, their fields are those of the specification.
//! Source: <https://arrow.apache.org/docs/format/CDataInterface.html>

use arrow::array::{ArrayRef, make_array};
use arrow::error::ArrowError;
use arrow::ffi::{FFI_ArrowArray, FFI_ArrowSchema, from_ffi};
use polars::prelude::{CompatLevel, Series};
use polars_arrow::ffi::{ArrowArray, ArrowSchema, export_array_to_c, export_field_to_c};

const _: () = assert!(size_of::<ArrowArray>() == size_of::<FFI_ArrowArray>() && align_of::<ArrowArray>() == align_of::<FFI_ArrowArray>());
const _: () =
    assert!(size_of::<ArrowSchema>() == size_of::<FFI_ArrowSchema>() && align_of::<ArrowSchema>() == align_of::<FFI_ArrowSchema>());

/// The series as an Arrow array. Text becomes `Utf8View`, a day `Date32`.
pub(crate) fn to_arrow(series: &Series) -> Result<ArrayRef, ArrowError> {
    let series = series.rechunk();
    let level = CompatLevel::newest();
    let field = series.field().to_arrow(level);
    let (array, schema) = (export_array_to_c(series.to_arrow(0, level)), export_field_to_c(&field));
    // SAFETY: both sides are `repr(C)` with the fields of the C data interface in its order, and equal in size and
    // alignment (asserted above). The transmute moves ownership: the release callback travels inside the struct and
    // is called once, by the Arrow side when the last array over the memory is dropped.
    let (array, schema) =
        unsafe { (std::mem::transmute::<ArrowArray, FFI_ArrowArray>(array), std::mem::transmute::<ArrowSchema, FFI_ArrowSchema>(schema)) };
    // SAFETY: the array and the schema were exported from one series by one library a moment ago, so the buffers
    // have the lengths and the layout that the schema says.
    let data = unsafe { from_ffi(array, &schema) }?;
    Ok(make_array(data))
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{Array, AsArray};
    use arrow::datatypes::{DataType, Date32Type, Float64Type, Int64Type};
    use arrow::ffi::to_ffi;
    use polars::prelude::{DataType as PolarsType, NamedFrom};
    use polars_arrow::ffi::{import_array_from_c, import_field_from_c};

    /// The way back, for the round trip only.
    fn to_polars(name: &str, array: &ArrayRef) -> Series {
        let (array, schema) = to_ffi(&array.to_data()).expect("an array that came by the interface goes by it");
        // SAFETY: as in `to_arrow`, with the sides exchanged.
        let (array, schema) = unsafe {
            (std::mem::transmute::<FFI_ArrowArray, ArrowArray>(array), std::mem::transmute::<FFI_ArrowSchema, ArrowSchema>(schema))
        };
        // SAFETY: the schema was exported with the array.
        let field = unsafe { import_field_from_c(&schema) }.expect("a field of a known type");
        // SAFETY: the type is the one that the schema says.
        let array = unsafe { import_array_from_c(array, field.dtype) }.expect("an array of that type");
        Series::from_arrow(name.into(), array).expect("a type that Polars holds")
    }

    #[test]
    fn numbers_cross_without_a_copy_and_outlive_their_frame() {
        let series = Series::new("y".into(), (0..100_000).map(f64::from).collect::<Vec<_>>());
        let there = series.f64().expect("f64").cont_slice().expect("one chunk").as_ptr();
        let array = to_arrow(&series).expect("f64 crosses");
        drop(series);
        let values = array.as_primitive::<Float64Type>().values();
        assert_eq!(values.as_ptr(), there);
        assert_eq!(values.iter().sum::<f64>(), 4_999_950_000.0);
    }

    #[test]
    fn every_kind_comes_through_and_back() {
        let day = |days: &[Option<i32>]| Series::new("x".into(), days).cast(&PolarsType::Date).expect("days");
        for series in [
            Series::new("x".into(), [Some("大白菜"), None, Some(""), Some("上海青（小份）一二三四五六七八")]),
            Series::new("x".into(), [Some(1.5), None, Some(f64::NAN), Some(f64::NEG_INFINITY)]),
            Series::new("x".into(), [Some(i64::MIN), None, Some(0)]),
            Series::new("x".into(), [Some(true), None, Some(false)]),
            day(&[Some(0), None, Some(20_665), Some(-1)]),
            Series::new_empty("x".into(), &PolarsType::String),
        ] {
            let array = to_arrow(&series).expect("a type of ours crosses");
            assert_eq!((array.len(), array.null_count()), (series.len(), series.null_count()));
            assert!(to_polars("x", &array).equals_missing(&series), "{series:?}");
        }
        let text = to_arrow(&Series::new("x".into(), [Some("番茄"), None])).expect("text crosses");
        assert_eq!((text.data_type(), text.as_string_view().value(0)), (&DataType::Utf8View, "番茄"));
        let days = to_arrow(&day(&[Some(16_192)])).expect("days cross");
        assert_eq!(days.as_primitive::<Date32Type>().value(0), 16_192);
        let nan = to_arrow(&Series::new("x".into(), [f64::NAN])).expect("NaN crosses");
        assert!(nan.as_primitive::<Float64Type>().value(0).is_nan() && nan.is_valid(0));
    }

    #[test]
    fn several_chunks_and_a_slice_keep_their_order() {
        let mut series = Series::new("x".into(), [1_i64, 2]);
        series.append(&Series::new("x".into(), [3_i64, 4])).expect("one type");
        let array = to_arrow(&series.slice(1, 3)).expect("a slice crosses");
        assert_eq!(array.as_primitive::<Int64Type>().values(), &[2, 3, 4]);
    }
}
