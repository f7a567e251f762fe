//! The values a metadata entry can have: twelve scalars, strings, and arrays of those.
//! Values are views into the file; an array of 280,000 strings costs nothing until it is walked.

use crate::Error;

/// The type of a value, numbered as in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it all")]
pub enum ValueType {
    U8 = 0,
    I8 = 1,
    U16 = 2,
    I16 = 3,
    U32 = 4,
    I32 = 5,
    F32 = 6,
    Bool = 7,
    String = 8,
    Array = 9,
    U64 = 10,
    I64 = 11,
    F64 = 12,
}

impl ValueType {
    /// All types, by number.
    pub const ALL: [Self; 13] = [
        Self::U8,
        Self::I8,
        Self::U16,
        Self::I16,
        Self::U32,
        Self::I32,
        Self::F32,
        Self::Bool,
        Self::String,
        Self::Array,
        Self::U64,
        Self::I64,
        Self::F64,
    ];

    /// The type with this number, if there is one.
    #[must_use]
    pub fn from_id(id: u32) -> Option<Self> {
        usize::try_from(id).ok().and_then(|id| Self::ALL.get(id).copied())
    }

    /// Its number in the file.
    #[must_use]
    pub const fn id(self) -> u32 {
        self as u32
    }

    /// Its name in errors.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::U8 => "u8",
            Self::I8 => "i8",
            Self::U16 => "u16",
            Self::I16 => "i16",
            Self::U32 => "u32",
            Self::I32 => "i32",
            Self::F32 => "f32",
            Self::Bool => "bool",
            Self::String => "string",
            Self::Array => "array",
            Self::U64 => "u64",
            Self::I64 => "i64",
            Self::F64 => "f64",
        }
    }

    /// Bytes of one value of this type; of a string or an array, the least it can take (as an array's element).
    #[must_use]
    pub const fn size_min(self) -> usize {
        match self {
            Self::U8 | Self::I8 | Self::Bool => 1,
            Self::U16 | Self::I16 => 2,
            Self::U32 | Self::I32 | Self::F32 => 4,
            Self::U64 | Self::I64 | Self::F64 | Self::String => 8,
            Self::Array => 12,
        }
    }
}

/// One value, borrowed from the file.
#[derive(Clone, Copy, Debug, PartialEq)]
#[expect(missing_docs, reason = "the names say it all")]
pub enum Value<'a> {
    U8(u8),
    I8(i8),
    U16(u16),
    I16(i16),
    U32(u32),
    I32(i32),
    F32(f32),
    /// Any non-zero byte reads as true.
    Bool(bool),
    /// Bytes as stored: usually UTF-8, but nothing makes sure of it.
    String(&'a [u8]),
    Array(Array<'a>),
    U64(u64),
    I64(i64),
    F64(f64),
}

impl Value<'_> {
    /// Its type.
    #[must_use]
    pub const fn kind(&self) -> ValueType {
        match self {
            Self::U8(_) => ValueType::U8,
            Self::I8(_) => ValueType::I8,
            Self::U16(_) => ValueType::U16,
            Self::I16(_) => ValueType::I16,
            Self::U32(_) => ValueType::U32,
            Self::I32(_) => ValueType::I32,
            Self::F32(_) => ValueType::F32,
            Self::Bool(_) => ValueType::Bool,
            Self::String(_) => ValueType::String,
            Self::Array(_) => ValueType::Array,
            Self::U64(_) => ValueType::U64,
            Self::I64(_) => ValueType::I64,
            Self::F64(_) => ValueType::F64,
        }
    }

    /// Its type for an error: `u32`, `array of string`.
    #[must_use]
    pub fn described(&self) -> String {
        match self {
            Self::Array(array) => format!("array of {}", array.element.name()),
            _ => self.kind().name().to_owned(),
        }
    }
}

/// An array, borrowed from the file: elements are decoded when they are walked.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Array<'a> {
    element: ValueType,
    len: usize,
    payload: &'a [u8],
}

impl<'a> Array<'a> {
    /// `payload` must hold `len` values of type `element`: the reader has walked it once.
    pub(super) const fn new(element: ValueType, len: usize, payload: &'a [u8]) -> Self {
        Self { element, len, payload }
    }

    /// The type of its elements.
    #[must_use]
    pub const fn element(&self) -> ValueType {
        self.element
    }

    /// How many elements it has.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether it has none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Its elements as the file stores them.
    #[must_use]
    pub const fn payload(&self) -> &'a [u8] {
        self.payload
    }

    /// Its elements in order.
    ///
    /// # Panics
    /// Never: the reader walked the elements when it parsed the file.
    pub fn iter(&self) -> impl Iterator<Item = Value<'a>> + use<'a> {
        let (element, mut rest) = (self.element, self.payload);
        (0..self.len).map(move |_| {
            let (value, tail) =
                split(element, rest).expect("the reader walked the array when the file was parsed");
            rest = tail;
            value
        })
    }
}

/// Cuts one value of type `kind` off `bytes`. `None` if they are too few, or for an array, which has no size of its own.
pub(super) fn split(kind: ValueType, bytes: &[u8]) -> Option<(Value<'_>, &[u8])> {
    Some(match kind {
        ValueType::U8 => number(bytes, |b| Value::U8(u8::from_le_bytes(b)))?,
        ValueType::I8 => number(bytes, |b| Value::I8(i8::from_le_bytes(b)))?,
        ValueType::U16 => number(bytes, |b| Value::U16(u16::from_le_bytes(b)))?,
        ValueType::I16 => number(bytes, |b| Value::I16(i16::from_le_bytes(b)))?,
        ValueType::U32 => number(bytes, |b| Value::U32(u32::from_le_bytes(b)))?,
        ValueType::I32 => number(bytes, |b| Value::I32(i32::from_le_bytes(b)))?,
        ValueType::F32 => number(bytes, |b| Value::F32(f32::from_le_bytes(b)))?,
        ValueType::Bool => number(bytes, |[b]| Value::Bool(b != 0))?,
        ValueType::U64 => number(bytes, |b| Value::U64(u64::from_le_bytes(b)))?,
        ValueType::I64 => number(bytes, |b| Value::I64(i64::from_le_bytes(b)))?,
        ValueType::F64 => number(bytes, |b| Value::F64(f64::from_le_bytes(b)))?,
        ValueType::String => {
            let (size, tail) = bytes.split_first_chunk()?;
            let size = usize::try_from(u64::from_le_bytes(*size)).ok()?;
            let (text, tail) = tail.split_at_checked(size)?;
            (Value::String(text), tail)
        }
        ValueType::Array => return None,
    })
}

fn number<const N: usize>(
    bytes: &[u8],
    value: impl Fn([u8; N]) -> Value<'static>,
) -> Option<(Value<'static>, &[u8])> {
    bytes.split_first_chunk().map(|(chunk, tail)| (value(*chunk), tail))
}

/// The value type numbered `id`, or an error that says where it stood.
pub(super) fn kind_of(id: u32, what: &str) -> Result<ValueType, Error> {
    ValueType::from_id(id).ok_or_else(|| {
        Error::gguf(format!("{what}: expected a value type from 0 to 12, found {id}"))
    })
}
