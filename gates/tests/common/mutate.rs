//! Structure-aware mutations of a JSON document, seeded.
//! In: a document, a stream of draws, places that must be left alone. Out: the document, changed in one place or two.

use serde_json::{Value, json};

/// A stream of draws, the same everywhere (`SplitMix64`; Steele, Lea, Flood 2014).
pub(crate) struct Draws(pub(crate) u64);

impl Draws {
    /// A number below `n`.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) >> 33).expect("31 bits") % n.max(1)
    }

    fn of<T: Clone>(&mut self, values: &[T]) -> T {
        values[self.below(values.len())].clone()
    }
}

/// A place in a document, as its keys.
pub(crate) type Path = Vec<String>;

/// Carries out one mutation; false where the place drawn does not allow it. `is_free` says which places may be touched.
///
/// Most keep the types of what they touch, so that they get past the reader; one in sixty tried does not.
pub(crate) fn mutate(
    document: &mut Value,
    draws: &mut Draws,
    is_free: &dyn Fn(&[String]) -> bool,
) -> bool {
    let path = place(document, draws);
    if path.is_empty() || !is_free(&path) {
        return false;
    }
    match draws.below(60) {
        0..=8 => is_element(&path) && remove(document, &path),
        9..=14 => duplicate(document, &path, draws),
        15..=20 => swap_elements(document, &path, draws),
        21..=26 => reorder(document, &path, draws),
        27..=38 => number(document, &path, draws),
        39..=47 => across_arms(document, &path, draws),
        48..=57 => from_alike(document, &path, draws),
        58 => character(document, &path, draws),
        _ => {
            let other = place(document, draws);
            match draws.below(5) {
                0 => remove(document, &path),
                1 => set(document, &path, draws.of(&kinds_of_values())),
                2 => text(document, &path, &other, draws),
                3 => graft(document, &path, &other),
                _ => add_key(document, &path, &other, draws),
            }
        }
    }
}

/// Whether a path ends in the place of an element.
fn is_element(path: &[String]) -> bool {
    path.last().is_some_and(|key| key.parse::<usize>().is_ok())
}

/// A value of the same fields elsewhere, in this place or in exchange: of another process, series or arm.
fn from_alike(document: &mut Value, path: &[String], draws: &mut Draws) -> bool {
    let mut other = path.to_vec();
    for at_key in 0..path.len() {
        if other[at_key].parse::<usize>().is_ok() {
            let Some(Value::Array(elements)) = at(document, &other[..at_key]) else { return false };
            other[at_key] = draws.below(elements.len()).to_string();
        }
    }
    exchange(document, path, &other, draws)
}

/// The value at `other` in the place of that at `path`, or each in the other's place.
fn exchange(document: &mut Value, path: &[String], other: &[String], draws: &mut Draws) -> bool {
    let (Some(mine), Some(theirs)) = (at(document, path).cloned(), at(document, other).cloned())
    else {
        return false;
    };
    let changed = mine != theirs;
    set(document, path, theirs);
    if draws.below(2) == 0 {
        set(document, other, mine);
    }
    changed
}

/// One character of a string, of those that digests, times and names are made of.
fn character(document: &mut Value, path: &[String], draws: &mut Draws) -> bool {
    let Some(Value::String(text)) = at(document, path) else { return false };
    let mut chars: Vec<char> = text.chars().collect();
    let place = draws.below(chars.len());
    let Some(found) = chars.get_mut(place) else { return false };
    *found = draws.of(&"0123456789abcdef-_.".chars().collect::<Vec<_>>());
    *text = chars.into_iter().collect();
    true
}

fn kinds_of_values() -> [Value; 8] {
    [json!(null), json!(true), json!(0), json!(-1), json!(0.5), json!(""), json!([]), json!({})]
}

/// A walk from the top to a value, which need not be a leaf.
fn place(document: &Value, draws: &mut Draws) -> Path {
    let (mut at, mut path) = (document, Path::new());
    loop {
        if path.len() > 1 && draws.below(3) == 0 {
            return path;
        }
        let keys: Vec<String> = match at {
            Value::Object(object) => object.keys().cloned().collect(),
            Value::Array(elements) => (0..elements.len()).map(|idx| idx.to_string()).collect(),
            _ => return path,
        };
        if keys.is_empty() {
            return path;
        }
        let key = draws.of(&keys);
        at = at.pointer(&format!("/{key}")).expect("a key of the value");
        path.push(key);
    }
}

fn pointer(path: &[String]) -> String {
    path.iter().map(|key| format!("/{key}")).collect()
}

fn at<'a>(document: &'a mut Value, path: &[String]) -> Option<&'a mut Value> {
    document.pointer_mut(&pointer(path))
}

fn parent<'a>(document: &'a mut Value, path: &'a [String]) -> Option<(&'a mut Value, &'a str)> {
    let (key, above) = path.split_last()?;
    Some((at(document, above)?, key))
}

fn remove(document: &mut Value, path: &[String]) -> bool {
    match parent(document, path) {
        Some((Value::Object(object), key)) => object.remove(key).is_some(),
        Some((Value::Array(elements), key)) => key.parse::<usize>().is_ok_and(|idx| {
            idx < elements.len() && {
                elements.remove(idx);
                true
            }
        }),
        _ => false,
    }
}

/// An element again, at another place of its array.
fn duplicate(document: &mut Value, path: &[String], draws: &mut Draws) -> bool {
    let Some((Value::Array(elements), key)) = parent(document, path) else { return false };
    let Ok(idx) = key.parse::<usize>() else { return false };
    let again = elements[idx].clone();
    elements.insert(draws.below(elements.len() + 1), again);
    true
}

fn swap_elements(document: &mut Value, path: &[String], draws: &mut Draws) -> bool {
    let Some((Value::Array(elements), key)) = parent(document, path) else { return false };
    let Ok(idx) = key.parse::<usize>() else { return false };
    let other = draws.below(elements.len());
    elements.swap(idx, other);
    other != idx
}

fn reorder(document: &mut Value, path: &[String], draws: &mut Draws) -> bool {
    let Some(Value::Array(elements)) = at(document, path) else { return false };
    let n = elements.len();
    match draws.below(3) {
        0 => elements.reverse(),
        1 => elements.rotate_left(1.min(n)),
        _ => elements.truncate(draws.below(n)),
    }
    true
}

fn number(document: &mut Value, path: &[String], draws: &mut Draws) -> bool {
    let Some(Value::Number(found)) = at(document, path) else { return false };
    let value = found.as_f64().unwrap_or(0.0);
    let whole = found.as_u64().unwrap_or(0);
    if draws.below(10) == 0 {
        let odd = [json!(-1), json!(i64::MIN), json!(f64::MAX), json!(5e-324), json!(value + 0.5)];
        return set(document, path, draws.of(&odd));
    }
    let extremes = [
        json!(0),
        json!(1),
        json!(u64::MAX),
        json!(9_007_199_254_740_992_u64),
        json!(whole.wrapping_add(1)),
        json!(whole.saturating_sub(1)),
        json!(whole.saturating_mul(2)),
        json!(whole / 2),
        json!(whole.saturating_mul(10)),
        json!(whole / 10),
        json!(whole / 6 * 5),
    ];
    set(document, path, draws.of(&extremes))
}

/// A part of one arm in place of the other's, or each in the other's place.
fn across_arms(document: &mut Value, path: &[String], draws: &mut Draws) -> bool {
    let mirrored = match path[0].as_str() {
        "base" => "head",
        "head" => "base",
        _ => return false,
    };
    let mut other = path.to_vec();
    mirrored.clone_into(&mut other[0]);
    exchange(document, path, &other, draws)
}

fn text(document: &mut Value, path: &[String], other: &[String], draws: &mut Draws) -> bool {
    let theirs = at(document, other).and_then(|value| value.as_str().map(str::to_owned));
    let Some(Value::String(mine)) = at(document, path) else { return false };
    let half: String = mine.chars().take(mine.chars().count() / 2).collect();
    *mine = match (draws.below(5), theirs) {
        (0, _) => half,
        (1, _) => mine.repeat(2),
        (2, _) => format!("{mine}\u{0}"),
        (3, Some(theirs)) => theirs,
        (4, Some(theirs)) => format!("{half}{theirs}"),
        _ => String::new(),
    };
    true
}

/// Another part of the document, of whatever kind.
fn graft(document: &mut Value, path: &[String], other: &[String]) -> bool {
    let Some(theirs) = at(document, other).cloned() else { return false };
    set(document, path, theirs)
}

fn add_key(document: &mut Value, path: &[String], other: &[String], draws: &mut Draws) -> bool {
    let theirs = at(document, other).cloned().unwrap_or_default();
    match at(document, path) {
        Some(Value::Object(object)) => {
            let key = draws.of(&other[other.len().saturating_sub(1)..]);
            object.insert(key, theirs);
            true
        }
        Some(Value::Array(elements)) => {
            elements.push(theirs);
            true
        }
        _ => false,
    }
}

fn set(document: &mut Value, path: &[String], value: Value) -> bool {
    let Some(place) = at(document, path) else { return false };
    let changed = *place != value;
    *place = value;
    changed
}
