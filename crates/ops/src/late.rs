use crate::fused;
use burn::tensor::{Tensor, Transaction};

/// A number that a device may still be computing: whoever wants it waits for everything before it.
#[derive(Clone, Debug)]
pub struct Late(Number);

#[derive(Clone, Debug)]
enum Number {
    Here(f64),
    /// Float32, `[1]`, on a device that works while we go on.
    There(Box<Tensor<1>>),
}

impl Late {
    /// The one number of a tensor; on the processor it is there already.
    pub fn new(number: Tensor<1>) -> Self {
        match fused::is_gpu(&number.device()) {
            true => Self(Number::There(Box::new(number))),
            false => Self(Number::Here(number.into_scalar::<f32>().into())),
        }
    }

    /// Whether reading would wait for a device.
    pub fn is_pending(&self) -> bool {
        matches!(self.0, Number::There(_))
    }

    /// The number.
    ///
    /// # Panics
    /// If the device fails.
    pub fn read(&self) -> f64 {
        Self::read_all([self])[0]
    }

    /// Several numbers, in one go.
    ///
    /// # Panics
    /// If a device fails.
    pub fn read_all<'a>(numbers: impl IntoIterator<Item = &'a Self>) -> Vec<f64> {
        let numbers: Vec<&Self> = numbers.into_iter().collect();
        let there: Vec<Tensor<1>> = numbers
            .iter()
            .filter_map(|number| match &number.0 {
                Number::Here(_) => None,
                Number::There(number) => Some((**number).clone()),
            })
            .collect();
        let mut read = match there.is_empty() {
            true => Vec::new(),
            false => there.into_iter().fold(Transaction::default(), Transaction::register).execute(),
        }
        .into_iter();
        let value = |number: &&Self| match number.0 {
            Number::Here(number) => number,
            Number::There(_) => {
                let data = read.next().expect("one for each that was asked for");
                f64::from(data.as_slice::<f32>().expect("float32")[0])
            }
        };
        numbers.iter().map(value).collect()
    }
}

impl From<f64> for Late {
    fn from(number: f64) -> Self {
        Self(Number::Here(number))
    }
}
