//! What a kernel allocates, against what its plan says beforehand.

use jostle::geometry::{Geometry, Jacobian, KernelCost, KernelRequest, Spectrum};
use jostle::model::Model;
use jostle::random::{Draws, Purpose};
use jostle::setting::{Settings, Value};
use jostle_nets::{ENTRIES, FeedForward, NetworkKernel, Plan, Shape};
use peak_alloc::PeakAlloc;
use rayon::{ThreadPool, ThreadPoolBuilder};

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

const PLENTY: usize = 1 << 40;

fn network(kind: &str, given: (&str, &[f64]), outputs: usize, side: usize) -> FeedForward {
    let entry = ENTRIES.iter().find(|entry| entry.kind == kind).unwrap();
    let settings = Settings::check(entry, &[(given.0, Value::Numbers(given.1.to_vec()))]).unwrap();
    let image = Shape { channels: 3, height: side, width: side };
    FeedForward::from_settings(kind, &settings, image.values(), outputs, Some(image)).unwrap()
}

/// Bytes that were allocated at most, and what was forecast: of making the kernel, and of measuring its geometry.
struct Measured {
    kernel: [f64; 2],
    geometry: [f64; 2],
}

/// Threads that hold what faer's products keep for each thread as long as it lives, some megabytes.
fn pool(threads: usize) -> ThreadPool {
    let pool = ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    pool.broadcast(|_| Spectrum::new(&Jacobian::new(vec![1.0; 200 * 200], 200, 1).unwrap()).unwrap());
    pool
}

fn measured(network: &FeedForward, samples: usize, memory: usize, pool: &ThreadPool) -> Measured {
    let mut inputs = vec![0.0; samples * network.input().values()];
    Draws::new(5, &[0], 0).normals(Purpose::DESIGN, &mut inputs);
    let theta = network.initial(&Draws::new(7, &[0], 0));
    let rows = samples * network.outputs();
    let residuals = vec![0.5; rows];
    let plan = Plan::new::<f32>(network, samples, memory);
    let cost = KernelCost {
        bytes: plan.bytes,
        bytes_of_a_thread: plan.bytes_of_a_thread,
        multiply_adds: plan.multiply_adds,
        layers: Vec::new(),
    };
    let threads = pool.current_num_threads();
    let [kernel, geometry] = pool.install(|| {
        let before = MEMORY.current_usage();
        MEMORY.reset_peak_usage();
        let request = KernelRequest::new(&theta, &inputs, &residuals);
        let kernel = NetworkKernel::<f32>::new(network, &request, memory);
        let of_kernel = MEMORY.peak_usage() - before;
        Geometry::measure(&kernel, &residuals).unwrap();
        [of_kernel, MEMORY.peak_usage() - before].map(|bytes| bytes as f64)
    });
    Measured {
        kernel: [kernel, cost.bytes + threads as f64 * cost.bytes_of_a_thread],
        geometry: [geometry, cost.bytes_on(rows, threads)],
    }
}

/// One test, as everything that is allocated meanwhile counts.
#[test]
fn no_kernel_takes_more_memory_than_its_plan_says_nor_much_less() {
    let cases = [
        (network("mlp", ("widths", &[64.0, 40.0]), 10, 4), 300),
        (network("mlp", ("widths", &[300.0]), 1, 8), 700),
        (network("mlp", ("widths", &[20.0, 10.0]), 3, 4), 250),
        (network("cnn", ("channels", &[8.0, 16.0, 12.0]), 10, 8), 100),
        (network("cnn", ("channels", &[4.0, 30.0]), 2, 8), 130),
    ];
    let pools = [1, 3].map(pool);
    for (network, samples) in cases {
        // With little memory passes take its place, and time.
        for (memory, samples) in [(PLENTY, samples), (1 << 21, samples.min(60)), (0, samples.min(12))] {
            for pool in &pools {
                let threads = pool.current_num_threads();
                let Measured { kernel, geometry } = measured(&network, samples, memory, pool);
                for [found, forecast] in [kernel, geometry] {
                    assert!(
                        found <= forecast,
                        "{memory}, {threads}, {network:?}: {found:.3e} {forecast:.3e}"
                    );
                }
                let [found, forecast] = kernel;
                let is_exact = threads == 1 && memory == PLENTY;
                assert!(!is_exact || forecast < 2.0 * found, "{network:?}: {found:.3e} {forecast:.3e}");
            }
        }
    }
}
