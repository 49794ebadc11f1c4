//! Devices by name: what this build can run on, and which one a run takes.
//!
//! | name | device |
//! |---|---|
//! | `auto` | a real GPU if this build and this machine have one, else `flex` |
//! | `flex` | this processor, Burn's Flex backend and our own kernels |
//! | `ndarray` | this processor, Burn's NdArray backend: the second opinion, slow; with the feature `ndarray` |
//! | `vulkan[:N]`, `wgpu[:N]` | the N-th GPU, through Vulkan (SPIR-V) or the graphics interface of the system's choice |
//! | `vulkan:cpu`, `wgpu:cpu` | a software rasteriser, through SPIR-V or WGSL, taken only when it is named |

use crate::{Precision, fused};
pub use burn::tensor::Device;
use burn::tensor::{Tensor, TensorData};

/// A device that this build and this machine have.
#[derive(Clone, Debug)]
pub struct Chosen {
    kind: Kind,
    device: Device,
}

/// The sort of a device: results of one sort are comparable bit for bit, or nearly so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Burn's Flex backend on this processor.
    Flex,
    /// Burn's NdArray backend on this processor.
    NdArray,
    /// wgpu, pinned to Vulkan.
    Vulkan,
    /// wgpu, any graphics interface.
    Wgpu,
}

impl Kind {
    /// The name by which a user asks for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Flex => "flex",
            Self::NdArray => "ndarray",
            Self::Vulkan => "vulkan",
            Self::Wgpu => "wgpu",
        }
    }

    /// Whether it computes on this processor, in our process.
    pub fn is_cpu(self) -> bool {
        matches!(self, Self::Flex | Self::NdArray)
    }
}

/// Why a device cannot be had.
#[derive(Debug, PartialEq, Eq)]
pub enum DeviceError {
    /// The name is none of the table's.
    Unknown(String),
    /// This build was made without it; the second field is the feature that adds it.
    NotBuilt(String, &'static str),
    /// This machine has no such device; the second field lists what it has.
    Absent(String, Vec<String>),
    /// The device gives wrong results; the second field says which.
    Wrong(String, String),
    /// The device, of this kind, has no products of this precision.
    NoProducts(&'static str, &'static str),
}

impl std::fmt::Display for DeviceError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unknown(name) => write!(
                f,
                "device `{name}`: no such name; try auto, flex, ndarray, vulkan, vulkan:N, vulkan:cpu, wgpu or wgpu:N"
            ),
            Self::NotBuilt(name, feature) => write!(
                f,
                "device `{name}`: is not in this build; build it with `cargo build --release --features {feature}`, or \
                 try --device flex"
            ),
            Self::Absent(name, found) if found.is_empty() => {
                write!(f, "device `{name}`: this machine shows no such device; try --device flex")
            }
            Self::Absent(name, found) => {
                write!(f, "device `{name}`: not on this machine, which has {}", found.join(", "))
            }
            Self::Wrong(name, what) => {
                write!(f, "device `{name}`: computes wrongly ({what}); try another driver, or --device flex")
            }
            Self::NoProducts("flex", "bf16") => f.write_str(
                "precision bf16: this processor has no bfloat16 products (avx512_bf16); try --precision f32",
            ),
            Self::NoProducts("flex", precision) => {
                write!(f, "precision {precision}: is for GPUs; try --precision bf16, or --precision f32")
            }
            Self::NoProducts(kind, precision) => {
                write!(f, "precision {precision}: device {kind} has no such products; try --precision f32")
            }
        }
    }
}

impl std::error::Error for DeviceError {}

impl Chosen {
    /// Burn's handle, without autodiff.
    pub fn device(&self) -> Device {
        self.device.clone()
    }

    /// Its sort.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Whether training can compute with this precision here.
    ///
    /// # Errors
    /// [`DeviceError::NoProducts`] where it cannot.
    pub fn supports(&self, precision: Precision) -> Result<(), DeviceError> {
        match (precision, self.kind) {
            (Precision::Float32, _) => Ok(()),
            (_, Kind::Flex) if precision.available() => Ok(()),
            (_, Kind::Vulkan | Kind::Wgpu) if fused::multiplies(&self.device, precision) => Ok(()),
            (_, kind) => Err(DeviceError::NoProducts(kind.name(), precision.name())),
        }
    }

    /// The queue of a GPU, for work beside the operations of a model; none for a processor.
    #[cfg(feature = "gpu")]
    pub fn client(&self) -> Option<::gpu::Client> {
        fused::client(&self.device)
    }

    /// The device, if its matrix products and its shared memory are right.
    fn checked(self, name: &str) -> Result<Self, DeviceError> {
        if !fused::has_shared_memory(&self.device) {
            let what = "units of a workgroup do not see each other's memory".to_owned();
            return Err(DeviceError::Wrong(name.to_owned(), what));
        }
        // The kinds of product of a training step: forward, by the transposed weight; backward, plain and by the transposed left.
        for (rows, inner, columns, transposed) in
            [(128, 32, 320, [false, true]), (64, 32, 64, [false, false]), (32, 128, 64, [true, false])]
        {
            let off = product_error(&self.device, rows, inner, columns, transposed);
            // Half-precision accumulation would still pass; a product that was not computed does not.
            if off.is_nan() || off > 0.1 {
                let what = format!("a product of {rows} × {inner} × {columns} is off by {off:.1e}");
                return Err(DeviceError::Wrong(name.to_owned(), what));
            }
        }
        Ok(self)
    }

    /// What the device calls itself, with its compiler (`wgpu<spirv>`, say). Opens a GPU.
    pub fn description(&self) -> String {
        match self.kind {
            Kind::Flex => format!("flex, {} threads", rayon::current_num_threads()),
            Kind::NdArray => format!("ndarray, {} threads", rayon::current_num_threads()),
            Kind::Vulkan | Kind::Wgpu => gpu::description(self.kind, &self.device),
        }
    }
}

/// Finds the device of this name. A GPU is asked for a few results first: drivers have been seen that answer with
/// nonsense, and a collapse curve from one of those would look like a finding.
///
/// # Errors
/// [`DeviceError`] where the name, the build or the machine has none, or the device computes wrongly.
pub fn parse(name: &str) -> Result<Chosen, DeviceError> {
    let (base, index) = match name.split_once(':') {
        Some((base, index)) => (base, Some(index)),
        None => (name, None),
    };
    match (base, index) {
        ("auto", None) => gpu::real().map_or_else(|| Ok(flex()), |real| real.checked(name)),
        ("flex", None) => Ok(flex()),
        ("ndarray", None) => ndarray().ok_or_else(|| DeviceError::NotBuilt(name.to_owned(), "ndarray")),
        ("vulkan", index) => gpu::find(Kind::Vulkan, index, name)?.checked(name),
        ("wgpu", index) => gpu::find(Kind::Wgpu, index, name)?.checked(name),
        _ => Err(DeviceError::Unknown(name.to_owned())),
    }
}

/// Every device of this build and machine, with the name that asks for it. Opens the GPUs.
pub fn all() -> Vec<(String, Chosen)> {
    let mut found = vec![("flex".to_owned(), flex())];
    found.extend(ndarray().map(|ndarray| ("ndarray".to_owned(), ndarray)));
    found.extend(gpu::all());
    found
}

/// The largest error of a matrix product on a device, against sums taken here.
fn product_error(device: &Device, rows: usize, inner: usize, columns: usize, transposed: [bool; 2]) -> f32 {
    // Numbers in [-1, 1) without a pattern that a wrong kernel could share.
    let value = |index: usize, seed: usize| ((index * 7919 + seed * 104_729) % 1000) as f32 / 500.0 - 1.0;
    let operand = |rows: usize, columns: usize, seed: usize, transposed: bool| {
        let (height, width) = if transposed { (columns, rows) } else { (rows, columns) };
        let values: Vec<f32> = (0..rows * columns).map(|i| value(i, seed)).collect();
        let tensor = Tensor::<2>::from_data(TensorData::new(values, [height, width]), device);
        if transposed { tensor.transpose() } else { tensor }
    };
    let at = |row: usize, column: usize, rows: usize, columns: usize, seed: usize, transposed: bool| {
        value(if transposed { column * rows + row } else { row * columns + column }, seed)
    };
    let product = operand(rows, inner, 1, transposed[0]).matmul(operand(inner, columns, 2, transposed[1]));
    let Ok(found) = product.try_into_vec_as::<f32>() else { return f32::NAN };
    let expected = |row: usize, column: usize| -> f32 {
        let term = |k| at(row, k, rows, inner, 1, transposed[0]) * at(k, column, inner, columns, 2, transposed[1]);
        (0..inner).map(term).sum()
    };
    let off = |(index, found): (usize, &f32)| (found - expected(index / columns, index % columns)).abs();
    // `max` would pass over a NaN.
    found.iter().enumerate().map(off).fold(0.0, |most: f32, off| if off.is_nan() || off > most { off } else { most })
}

fn flex() -> Chosen {
    Chosen { kind: Kind::Flex, device: Device::flex() }
}

#[cfg(feature = "ndarray")]
#[allow(deprecated)] // Burn 0.23 drops it; while it is there, it is the second opinion on every number.
fn ndarray() -> Option<Chosen> {
    Some(Chosen { kind: Kind::NdArray, device: Device::ndarray() })
}

#[cfg(not(feature = "ndarray"))]
fn ndarray() -> Option<Chosen> {
    None
}

#[cfg(feature = "gpu")]
mod gpu {
    use super::{Chosen, DeviceError, Kind};
    use burn::tensor::{Device, DeviceKind, DeviceType};

    /// The real GPUs that a kind reaches, in the order of their numbers.
    fn real_devices(kind: Kind) -> Vec<Device> {
        let filter = if kind == Kind::Vulkan { DeviceType::Vulkan } else { DeviceType::Wgpu };
        // A software rasteriser is a device without a physical card behind it.
        let is_card = |d: &Device| d.identity().is_some_and(|i| i.physical.is_some());
        Device::enumerate(filter).into_iter().filter(is_card).collect()
    }

    /// Opening an adapter that is not there panics inside the framework.
    fn software(kind: Kind) -> Option<Device> {
        match kind {
            Kind::Vulkan => Some(Device::vulkan(DeviceKind::Cpu)).filter(|device| device.identity().is_some()),
            _ => ::gpu::software::device().map(Device::new),
        }
    }

    pub(super) fn real() -> Option<Chosen> {
        let device = real_devices(Kind::Vulkan).into_iter().next()?;
        Some(Chosen { kind: Kind::Vulkan, device })
    }

    pub(super) fn find(kind: Kind, index: Option<&str>, name: &str) -> Result<Chosen, DeviceError> {
        if index == Some("cpu") {
            return match quietly(|| software(kind)).flatten() {
                Some(device) => Ok(Chosen { kind, device }),
                None => Err(DeviceError::Absent(name.to_owned(), Vec::new())),
            };
        }
        let number: usize = match index.map(str::parse) {
            None => 0,
            Some(Ok(number)) => number,
            Some(Err(_)) => return Err(DeviceError::Unknown(name.to_owned())),
        };
        let mut found = quietly(|| real_devices(kind)).unwrap_or_default();
        if number < found.len() {
            return Ok(Chosen { kind, device: found.swap_remove(number) });
        }
        let names = (0..found.len()).map(|i| format!("{}:{i}", kind.name())).collect();
        Err(DeviceError::Absent(name.to_owned(), names))
    }

    pub(super) fn all() -> Vec<(String, Chosen)> {
        let mut listed = Vec::new();
        for kind in [Kind::Vulkan, Kind::Wgpu] {
            let real = quietly(|| real_devices(kind)).unwrap_or_default();
            for (number, device) in real.into_iter().enumerate() {
                listed.push((format!("{}:{number}", kind.name()), Chosen { kind, device }));
            }
            if let Ok(chosen) = find(kind, Some("cpu"), "") {
                listed.push((format!("{}:cpu", kind.name()), chosen));
            }
        }
        listed
    }

    pub(super) fn description(kind: Kind, device: &Device) -> String {
        match device.identity() {
            Some(identity) => format!("{}, {} ({})", kind.name(), identity.name, identity.fingerprint),
            None => kind.name().to_owned(),
        }
    }

    /// Runs what may panic inside the framework because no driver is there, without a word on the terminal.
    fn quietly<T>(work: impl FnOnce() -> T) -> Option<T> {
        let hook = std::panic::take_hook();
        std::panic::set_hook(Box::new(|_| {}));
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
        std::panic::set_hook(hook);
        result.ok()
    }
}

#[cfg(not(feature = "gpu"))]
mod gpu {
    use super::{Chosen, DeviceError, Kind};
    use burn::tensor::Device;

    pub(super) fn real() -> Option<Chosen> {
        None
    }

    pub(super) fn find(_: Kind, _: Option<&str>, name: &str) -> Result<Chosen, DeviceError> {
        Err(DeviceError::NotBuilt(name.to_owned(), "gpu"))
    }

    pub(super) fn all() -> Vec<(String, Chosen)> {
        Vec::new()
    }

    pub(super) fn description(kind: Kind, _: &Device) -> String {
        kind.name().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_processor_passes_the_check() {
        for chosen in [Some(flex()), ndarray()].into_iter().flatten() {
            assert!(chosen.checked("this").is_ok());
        }
    }

    #[test]
    fn names_that_mean_nothing_are_refused() {
        for name in ["", "cuda", "flex:1", "vulkan:x", "auto:0"] {
            let error = parse(name).unwrap_err();
            assert!(!matches!(error, DeviceError::Wrong(..)), "{name}: {error}");
        }
    }
}
