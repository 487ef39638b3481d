//! What a kernel allocates, against what its plan says beforehand.

use jostle::geometry::{Geometry, KernelCost, KernelRequest, KernelSource};
use jostle::model::Network;
use jostle::random::{Draws, Purpose};
use jostle::setting::{Settings, Value};
use jostle_nets::{ENTRIES, FeedForward, NetworkKernel, Plan, Shape};
use peak_alloc::PeakAlloc;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

const PLENTY: usize = 1 << 40;

fn network(kind: &str, given: (&str, &[f64]), outputs: usize, side: usize) -> FeedForward {
    let entry = ENTRIES.iter().find(|entry| entry.kind == kind).unwrap();
    let settings = Settings::check(entry, &[(given.0, Value::Numbers(given.1.to_vec()))]).unwrap();
    let image = Shape { channels: 3, height: side, width: side };
    FeedForward::from_settings(kind, &settings, image.values(), outputs, Some(image)).unwrap()
}

/// The bytes that measuring a geometry allocates at most, and what was forecast for so many threads.
fn measured(network: &FeedForward, samples: usize, memory: usize, threads: usize) -> (f64, f64) {
    let mut inputs = vec![0.0; samples * network.input().values()];
    Draws::new(5, &[0], 0).normals(Purpose::DESIGN, &mut inputs);
    let theta = Network::initial(network, &Draws::new(7, &[0], 0));
    let rows = samples * Network::outputs(network);
    let residuals = vec![0.5; rows];
    let plan = Plan::new::<f32>(network, samples, memory);
    let cost = KernelCost {
        bytes: plan.bytes,
        bytes_of_a_thread: plan.bytes_of_a_thread,
        multiply_adds: plan.multiply_adds,
        layers: Vec::new(),
    };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    let peak = pool.install(|| {
        let before = MEMORY.current_usage();
        MEMORY.reset_peak_usage();
        let request = KernelRequest::new(&theta, &inputs, &residuals);
        let kernel = NetworkKernel::<f32>::new(network, &request, memory);
        Geometry::measure(&kernel, &residuals).unwrap();
        assert_eq!(kernel.params(), Some(theta.len()));
        MEMORY.peak_usage() - before
    });
    (peak as f64, cost.bytes_on(rows, threads))
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
    for (network, samples) in cases {
        for threads in [1, 3] {
            for memory in [PLENTY, 1 << 21, 0] {
                let (found, forecast) = measured(&network, samples, memory, threads);
                let what =
                    format!("{network:?}, {memory} bytes, {threads} threads: {found:.3e} {forecast:.3e}");
                assert!(found <= forecast, "{what}");
                // One thread, and enough memory: the arrays that count are few.
                assert!(threads > 1 || memory < PLENTY || forecast < 1.6 * found, "{what}");
                println!("{:.2}", forecast / found);
            }
        }
    }
}
