//! JSON values as Python objects and back.

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyList, PyString, PyTuple};
use serde_json::{Map, Number, Value};

/// As deep as serde_json reads.
const DEEPEST: usize = 127;

/// `None`, `bool`, `int`, `float`, `str`, `list` or `dict`.
pub(crate) fn to_python(py: Python<'_>, value: &Value) -> PyResult<Py<PyAny>> {
    Ok(match value {
        Value::Null => py.None(),
        Value::Bool(value) => PyBool::new(py, *value).to_owned().into_any().unbind(),
        Value::Number(number) => number_to_python(py, number)?,
        Value::String(text) => PyString::new(py, text).into_any().unbind(),
        Value::Array(values) => {
            let list = PyList::empty(py);
            values.iter().try_for_each(|value| list.append(to_python(py, value)?))?;
            list.into_any().unbind()
        }
        Value::Object(map) => object_to_python(py, map)?.into_any().unbind(),
    })
}

/// A `dict`.
pub(crate) fn object_to_python<'py>(
    py: Python<'py>,
    map: &Map<String, Value>,
) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    map.iter().try_for_each(|(key, value)| dict.set_item(key, to_python(py, value)?))?;
    Ok(dict)
}

fn number_to_python(py: Python<'_>, number: &Number) -> PyResult<Py<PyAny>> {
    Ok(match (number.as_u64(), number.as_i64()) {
        (Some(number), _) => number.into_pyobject(py)?.into_any().unbind(),
        (None, Some(number)) => number.into_pyobject(py)?.into_any().unbind(),
        (None, None) => number.as_f64().into_pyobject(py)?.into_any().unbind(),
    })
}

/// What JSON can hold; an object with `to_dict()` counts as what that gives. `what` is named where it is something else.
///
/// # Errors
/// `TypeError` and `ValueError`, never showing the value.
pub(crate) fn to_json(value: &Bound<'_, PyAny>, what: &str) -> PyResult<Value> {
    read(value, what, 0)
}

fn read(value: &Bound<'_, PyAny>, what: &str, depth: usize) -> PyResult<Value> {
    if depth > DEEPEST {
        return Err(PyValueError::new_err(format!("{what} is nested too deeply")));
    }
    let each = |value: Bound<'_, PyAny>| read(&value, what, depth + 1);
    if value.is_none() {
        Ok(Value::Null)
    } else if let Ok(value) = value.cast::<PyBool>() {
        Ok(Value::Bool(value.is_true()))
    } else if value.is_instance_of::<PyInt>() {
        let number = value.extract::<u64>().map(Number::from);
        let number = number.or_else(|_| value.extract::<i64>().map(Number::from));
        number
            .map(Value::Number)
            .map_err(|_| PyValueError::new_err(format!("{what} holds too large a number")))
    } else if let Ok(value) = value.cast::<PyFloat>() {
        Number::from_f64(value.value())
            .map(Value::Number)
            .ok_or_else(|| PyValueError::new_err(format!("{what} holds a number that JSON has not")))
    } else if let Ok(text) = value.cast::<PyString>() {
        Ok(Value::String(text.to_cow()?.into_owned()))
    } else if let Ok(list) = value.cast::<PyList>() {
        list.iter().map(each).collect::<PyResult<_>>().map(Value::Array)
    } else if let Ok(tuple) = value.cast::<PyTuple>() {
        tuple.iter().map(each).collect::<PyResult<_>>().map(Value::Array)
    } else if let Ok(dict) = value.cast::<PyDict>() {
        let mut map = Map::new();
        for (key, value) in dict {
            let Ok(key) = key.cast::<PyString>() else {
                let kind = key.get_type().name()?;
                return Err(PyTypeError::new_err(format!("{what} has a key that is {kind}, not str")));
            };
            map.insert(key.to_cow()?.into_owned(), each(value)?);
        }
        Ok(Value::Object(map))
    } else if value.hasattr("to_dict")? {
        read(&value.call_method0("to_dict")?, what, depth + 1)
    } else {
        let kind = value.get_type().name()?;
        Err(PyTypeError::new_err(format!("{what} holds {kind}, which JSON has not")))
    }
}
