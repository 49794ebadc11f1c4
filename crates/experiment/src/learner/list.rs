//! Derived definitions from the list of learners.

/// One type for all learners, and what follows from the list of them.
macro_rules! learners {
    ($($(#[$doc:meta])* $variant:ident,)+) => {
        /// A learner with its settings.
        #[derive(Clone, Debug, PartialEq)]
        #[expect(clippy::large_enum_variant, reason = "an experiment holds a few, most of them the largest")]
        pub enum Learner {
            $($(#[$doc])* $variant($variant),)+
            /// A learner of a known distribution, whose chain takes milliseconds.
            Exact(Exact),
        }

        /// The text learners.
        const TEXT: &[kind::Row] = &[$(kind::Row {
            name: $variant::KIND,
            keys: kind::text_keys::<$variant>,
            read: |table, place| kind::read_text(table, place).map(Learner::$variant),
        }),+];

        impl Learner {
            /// The name of the learner, as `model.kind` says it.
            pub fn kind(&self) -> &'static str {
                match self {
                    $(Self::$variant(_) => $variant::KIND,)+
                    Self::Exact(exact) => exact.model.kind(),
                }
            }

            /// Its tables in a file.
            pub(crate) fn to_table(&self) -> toml::Table {
                match self {
                    $(Self::$variant(settings) => kind::text_table(settings),)+
                    Self::Exact(exact) => exact.to_table(),
                }
            }

            pub(crate) fn common(&self) -> &dyn Common {
                match self {
                    $(Self::$variant(settings) => settings,)+
                    Self::Exact(exact) => exact,
                }
            }

            pub(crate) fn common_mut(&mut self) -> &mut dyn Common {
                match self {
                    $(Self::$variant(settings) => settings,)+
                    Self::Exact(exact) => exact,
                }
            }
        }
    };
}
pub(super) use learners;
