//! Another reader's view of a file that the library wrote: HiGHS reads it, solves it and says what it saw.
#![allow(dead_code)] // every test file is a crate of its own and uses its part

use std::collections::BTreeMap;
use std::ffi::{CStr, CString, c_char, c_void};
use std::io::Write;

use highs_sys as sys;

/// A file as HiGHS read it, and its solution.
#[derive(Clone, Debug)]
pub struct Read {
    pub optimal: bool,
    /// With the objective's constant.
    pub objective: f64,
    /// Column values by the name in the file: readers may reorder columns.
    pub columns: BTreeMap<String, f64>,
    pub rows: usize,
    pub nonzeros: usize,
}

/// Reads `text`, a file whose name ends in `.{kind}` (`mps` or `lp`), and solves it to a closed gap.
pub fn read_and_solve(text: &str, kind: &str) -> Result<Read, String> {
    let mut file = tempfile::Builder::new().suffix(&format!(".{kind}")).tempfile().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    let path = CString::new(file.path().to_str().unwrap()).unwrap();
    let highs = Handle::new();
    // SAFETY: the handle is live and every string NUL-terminated.
    unsafe {
        sys::Highs_setBoolOptionValue(highs.0, c"output_flag".as_ptr(), 0);
        sys::Highs_setDoubleOptionValue(highs.0, c"mip_rel_gap".as_ptr(), 0.0);
        sys::Highs_setDoubleOptionValue(highs.0, c"mip_abs_gap".as_ptr(), 0.0);
        sys::Highs_setDoubleOptionValue(highs.0, c"time_limit".as_ptr(), 60.0);
        sys::Highs_setIntOptionValue(highs.0, c"threads".as_ptr(), 1);
        if sys::Highs_readModel(highs.0, path.as_ptr()) != sys::kHighsStatusOk {
            return Err(format!("HiGHS does not read this {kind} file cleanly:\n{text}"));
        }
        if sys::Highs_run(highs.0) == sys::kHighsStatusError {
            return Err(format!("HiGHS does not solve this {kind} file:\n{text}"));
        }
        let optimal = sys::Highs_getModelStatus(highs.0) == sys::kHighsModelStatusOptimal;
        let columns = highs.columns();
        Ok(Read {
            optimal,
            objective: sys::Highs_getObjectiveValue(highs.0),
            columns,
            rows: sys::Highs_getNumRow(highs.0) as usize,
            nonzeros: sys::Highs_getNumNz(highs.0) as usize,
        })
    }
}

struct Handle(*mut c_void);

impl Handle {
    fn new() -> Self {
        // SAFETY: creates a model of its own, destroyed on drop.
        Self(unsafe { sys::Highs_create() })
    }

    fn columns(&self) -> BTreeMap<String, f64> {
        let null = std::ptr::null_mut();
        let mut name = [0 as c_char; sys::kHighsMaximumStringLength as usize + 1];
        // SAFETY: `values` has one entry a column, `name` the length that HiGHS documents for names.
        unsafe {
            let mut values = vec![0.0; sys::Highs_getNumCol(self.0) as usize];
            sys::Highs_getSolution(self.0, values.as_mut_ptr(), null, null, null);
            let mut columns = BTreeMap::new();
            for (j, value) in (0..).zip(values) {
                sys::Highs_getColName(self.0, j, name.as_mut_ptr());
                let name = CStr::from_ptr(name.as_ptr()).to_string_lossy().into_owned();
                assert!(columns.insert(name.clone(), value).is_none(), "two columns {name}");
            }
            columns
        }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        // SAFETY: made by Highs_create and destroyed once.
        unsafe { sys::Highs_destroy(self.0) }
    }
}
