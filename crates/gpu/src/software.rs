//! Software devices, through WGSL.
//!
//! The framework hands kernels to a Vulkan device as SPIR-V, whose shared memory is wrong on software devices
//! ([`has_shared_memory`](crate::probe::has_shared_memory)). Here such a device is opened with the compiler for WGSL and
//! registered under its id, where everybody who asks for its client finds it.

use std::any::TypeId;
use std::sync::Once;

use cubecl::__private::Runtime;
use cubecl::server::ServerUtilities;
use cubecl::wgpu::wgpu::{self, Adapter, Backend, DeviceType};
use cubecl::wgpu::{AutoCompiler, RuntimeOptions, WgpuDevice, WgpuDeviceKind, WgpuRuntime, WgpuServer, WgslCompiler};
use cubecl::{WgpuCompilationOptions, client::Client, future::block_on, logging::ServerLogger};
use cubecl_server::allocator::ContiguousMemoryLayoutPolicy;

type Server = WgpuServer<AutoCompiler>;

/// The first software device of this machine, or nothing where there is none.
pub fn device() -> Option<WgpuDevice> {
    static REGISTERED: Once = Once::new();
    let device = WgpuDevice::new(WgpuDeviceKind::Cpu);
    let adapter = adapter()?;
    REGISTERED.call_once(|| register(&device, &adapter));
    Some(device)
}

fn adapter() -> Option<Adapter> {
    let mut descriptor = wgpu::InstanceDescriptor::new_without_display_handle();
    descriptor.backends = Backend::Vulkan.into();
    let found = block_on(wgpu::Instance::new(descriptor).enumerate_adapters(Backend::Vulkan.into()));
    found.into_iter().find(|adapter| adapter.get_info().device_type == DeviceType::Cpu)
}

fn register(device: &WgpuDevice, adapter: &Adapter) {
    let wanted = wgpu::DeviceDescriptor {
        required_features: adapter.features().difference(wgpu::Features::MAPPABLE_PRIMARY_BUFFERS),
        required_limits: adapter.limits(),
        memory_hints: wgpu::MemoryHints::MemoryUsage,
        // SAFETY: what is experimental of the adapter's features is not used.
        experimental_features: unsafe { wgpu::ExperimentalFeatures::enabled() },
        ..Default::default()
    };
    let (handle, queue) = block_on(adapter.request_device(&wanted)).expect("a device of the adapter's own limits");
    // What the runtime of WGSL alone knows of the device, and its place among the services.
    let model = WgpuRuntime::<WgslCompiler>::client(device);
    let mut service = model.service_id();
    service.service = TypeId::of::<Server>();
    let properties = model.properties().clone();
    let (memory, timing) = (properties.memory.clone(), properties.timing_method);
    let (utilities, captures) = ServerUtilities::init(
        service,
        "wgpu<wgsl>",
        properties,
        WgpuRuntime::<WgslCompiler>::target_properties(),
        ServerLogger::default().into(),
        ContiguousMemoryLayoutPolicy::new(memory.alignment as usize),
    );
    let options = RuntimeOptions::default();
    let server = Server::new(
        memory,
        options.memory_config,
        // Without the option for SPIR-V the compiler is that for WGSL.
        WgpuCompilationOptions::default(),
        handle,
        queue,
        options.tasks_max,
        Backend::Vulkan,
        timing,
        utilities,
        captures,
    );
    // Somebody was faster, and has opened the device in the framework's way: it stays as it is.
    drop(Client::try_init(service.device, server));
}
