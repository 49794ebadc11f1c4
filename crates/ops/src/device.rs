//! Devices by name: what this build can run on, and which one a run takes.
//!
//! | name | device |
//! |---|---|
//! | `auto` | a real GPU if this build and this machine have one, else `flex` |
//! | `flex` | this processor, Burn's Flex backend and our own kernels |
//! | `ndarray` | this processor, Burn's NdArray backend: the second opinion, slow |
//! | `vulkan[:N]`, `wgpu[:N]` | the N-th GPU, through Vulkan (SPIR-V) or the graphics interface of the system's choice |
//! | `vulkan:cpu`, `wgpu:cpu` | a software rasteriser, taken only when it is named |

pub use burn::tensor::Device;

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
    /// This build was made without the GPU.
    NotBuilt(String),
    /// This machine has no such device; the second field lists what it has.
    Absent(String, Vec<String>),
}

impl std::fmt::Display for DeviceError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unknown(name) => write!(
                f,
                "device `{name}`: no such name; try auto, flex, ndarray, vulkan, vulkan:N, vulkan:cpu, wgpu or wgpu:N"
            ),
            Self::NotBuilt(name) => write!(
                f,
                "device `{name}`: this build has no GPU support; build it with `cargo build --release --features gpu`, \
                 or try --device flex"
            ),
            Self::Absent(name, found) if found.is_empty() => {
                write!(f, "device `{name}`: this machine shows no such device; try --device flex")
            }
            Self::Absent(name, found) => {
                write!(f, "device `{name}`: not on this machine, which has {}", found.join(", "))
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

    /// What the device calls itself, with its compiler (`wgpu<spirv>`, say). Opens a GPU.
    pub fn description(&self) -> String {
        match self.kind {
            Kind::Flex => format!("flex, {} threads", rayon::current_num_threads()),
            Kind::NdArray => format!("ndarray, {} threads", rayon::current_num_threads()),
            Kind::Vulkan | Kind::Wgpu => gpu::description(self.kind, &self.device),
        }
    }
}

/// Finds the device of this name.
///
/// # Errors
/// [`DeviceError`] where the name, the build or the machine has none.
pub fn parse(name: &str) -> Result<Chosen, DeviceError> {
    let (base, index) = match name.split_once(':') {
        Some((base, index)) => (base, Some(index)),
        None => (name, None),
    };
    match (base, index) {
        ("auto", None) => Ok(gpu::real().unwrap_or_else(flex)),
        ("flex", None) => Ok(flex()),
        ("ndarray", None) => Ok(ndarray()),
        ("vulkan", index) => gpu::find(Kind::Vulkan, index, name),
        ("wgpu", index) => gpu::find(Kind::Wgpu, index, name),
        _ => Err(DeviceError::Unknown(name.to_owned())),
    }
}

/// Every device of this build and machine, with the name that asks for it. Opens the GPUs.
pub fn all() -> Vec<(String, Chosen)> {
    let mut found = vec![("flex".to_owned(), flex()), ("ndarray".to_owned(), ndarray())];
    found.extend(gpu::all());
    found
}

fn flex() -> Chosen {
    Chosen { kind: Kind::Flex, device: Device::flex() }
}

#[allow(deprecated)] // Burn 0.23 drops it; while it is there, it is the second opinion on every number.
fn ndarray() -> Chosen {
    Chosen { kind: Kind::NdArray, device: Device::ndarray() }
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

    fn software(kind: Kind) -> Device {
        match kind {
            Kind::Vulkan => Device::vulkan(DeviceKind::Cpu),
            _ => Device::wgpu(DeviceKind::Cpu),
        }
    }

    pub(super) fn real() -> Option<Chosen> {
        let device = real_devices(Kind::Vulkan).into_iter().next()?;
        Some(Chosen { kind: Kind::Vulkan, device })
    }

    pub(super) fn find(kind: Kind, index: Option<&str>, name: &str) -> Result<Chosen, DeviceError> {
        if index == Some("cpu") {
            // Opening an adapter that is not there panics inside the framework: the panic is the answer.
            let device = software(kind);
            return match quietly(|| device.identity()) {
                Some(_) => Ok(Chosen { kind, device }),
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
        Err(DeviceError::NotBuilt(name.to_owned()))
    }

    pub(super) fn all() -> Vec<(String, Chosen)> {
        Vec::new()
    }

    pub(super) fn description(kind: Kind, _: &Device) -> String {
        kind.name().to_owned()
    }
}
