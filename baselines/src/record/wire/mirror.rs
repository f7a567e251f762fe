//! A wire type mirrors a domain type: conversions both ways, written once for the shapes that repeat.

use std::collections::BTreeMap;

/// The wire form of `D`. Values are checked when they are deserialized, so the way back cannot fail.
pub(crate) trait Mirror<D>: Sized {
    /// The wire form of `domain`.
    fn of(domain: &D) -> Self;
    /// The domain value.
    fn into_domain(self) -> D;
}

macro_rules! same {
    ($($type:ty),*) => { $(
        impl Mirror<Self> for $type {
            fn of(domain: &Self) -> Self {
                domain.clone()
            }

            fn into_domain(self) -> Self {
                self
            }
        }
    )* };
}
same!(bool, u32, u64, String, BTreeMap<String, u64>);

impl<D, W: Mirror<D>> Mirror<Vec<D>> for Vec<W> {
    fn of(domain: &Vec<D>) -> Self {
        domain.iter().map(W::of).collect()
    }

    fn into_domain(self) -> Vec<D> {
        self.into_iter().map(W::into_domain).collect()
    }
}

impl<D, W: Mirror<D>> Mirror<Option<D>> for Option<W> {
    fn of(domain: &Option<D>) -> Self {
        domain.as_ref().map(W::of)
    }

    fn into_domain(self) -> Option<D> {
        self.map(W::into_domain)
    }
}

/// `mirror!(Wire for Domain { field, field })`: a struct with the same field names. The domain struct is taken apart
/// without `..`, so a field forgotten here does not compile.
macro_rules! mirror {
    ($wire:ident for $domain:path { $($field:ident),* $(,)? }) => {
        impl $crate::record::wire::Mirror<$domain> for $wire {
            fn of(domain: &$domain) -> Self {
                let $domain { $($field),* } = domain;
                Self { $($field: $crate::record::wire::Mirror::of($field)),* }
            }

            fn into_domain(self) -> $domain {
                let Self { $($field),* } = self;
                $domain { $($field: $crate::record::wire::Mirror::into_domain($field)),* }
            }
        }
    };
}
pub(crate) use mirror;

/// `names! { enum Wire for Domain { Variant = "name" } }`: an enum written as one of a few words.
macro_rules! names {
    ($(#[$doc:meta])* enum $wire:ident for $domain:path { $($variant:ident = $name:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
        pub(super) enum $wire { $(#[serde(rename = $name)] $variant),* }

        impl $crate::record::wire::Mirror<$domain> for $wire {
            fn of(domain: &$domain) -> Self {
                match domain { $(<$domain>::$variant => Self::$variant),* }
            }

            fn into_domain(self) -> $domain {
                match self { $(Self::$variant => <$domain>::$variant),* }
            }
        }
    };
}
pub(super) use names;
