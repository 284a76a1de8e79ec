//! Commands whose data are ids and nothing else.

/// A command on an application: its id is all the data.
macro_rules! of_application {
    ($(#[$doc:meta])* $name:ident, $answer:ty, $size:expr) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub struct $name {
            /// The application.
            pub application: $crate::command::AppId,
        }

        impl<'a> $crate::Command<'a> for $name {
            const INS: $crate::Ins = $crate::Ins::$name;
            const SHAPE: $crate::command::Shape = $crate::command::Shape {
                data: $crate::command::Length::Exactly(2),
                answer: $size,
                ..$crate::command::Shape::PLAIN
            };
            type Answer<'r> = $answer;

            fn write(&self, writer: &mut $crate::wire::Writer<'_>) -> Result<(), $crate::wire::Overflow> {
                writer.id(self.application.0)
            }

            fn read(apdu: &$crate::Apdu<'a>, dialect: &'a $crate::Dialect) -> Result<Self, $crate::Status> {
                let mut reader = $crate::wire::Reader::new(apdu.data, dialect);
                let application = $crate::command::AppId(reader.id()?);
                reader.finish()?;
                Ok(Self { application })
            }
        }

        impl core::fmt::Display for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                self.application.fmt(f)
            }
        }
    };
}

/// A command on one of the two uses of a container: their ids are all the data, P1 is the use.
macro_rules! of_key_use {
    ($(#[$doc:meta])* $name:ident, $answer:ty, $size:expr, $what:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub struct $name {
            /// The application.
            pub application: $crate::command::AppId,
            /// The container.
            pub container: $crate::command::ContainerId,
            /// Of which key pair (P1).
            pub key_use: $crate::command::KeyUse,
        }

        impl<'a> $crate::Command<'a> for $name {
            const INS: $crate::Ins = $crate::Ins::$name;
            const SHAPE: $crate::command::Shape = $crate::command::Shape {
                p1: $crate::command::KeyUse::VALUES,
                data: $crate::command::Length::Exactly(4),
                answer: $size,
                ..$crate::command::Shape::PLAIN
            };
            type Answer<'r> = $answer;

            fn p1p2(&self) -> (u8, u8) {
                (self.key_use as u8, 0)
            }

            fn le(&self, _: &$crate::Dialect) -> $crate::envelope::Le {
                $crate::envelope::Le::Max
            }

            fn write(&self, writer: &mut $crate::wire::Writer<'_>) -> Result<(), $crate::wire::Overflow> {
                writer.id(self.application.0)?;
                writer.id(self.container.0)
            }

            fn read(apdu: &$crate::Apdu<'a>, dialect: &'a $crate::Dialect) -> Result<Self, $crate::Status> {
                let mut reader = $crate::wire::Reader::new(apdu.data, dialect);
                let application = $crate::command::AppId(reader.id()?);
                let container = $crate::command::ContainerId(reader.id()?);
                reader.finish()?;
                Ok(Self { application, container, key_use: $crate::command::KeyUse::from_p1(apdu.p1) })
            }
        }

        impl core::fmt::Display for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                write!(f, "{} {} {} {}", self.application, self.container, self.key_use, $what)
            }
        }
    };
}

pub(crate) use {of_application, of_key_use};
