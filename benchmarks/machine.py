"""The machine that is measured on, in words and numbers."""

import os
import platform

# From the first cache to beyond the last.
BANDWIDTH_SIZES = [2**k * 1024 for k in (4, 5, 7, 8, 9, 10, 12, 14, 16, 18)]


def describe(core):
    """Processor, cores, load and system; `core` is the one that everything is confined to."""
    return {
        "processor": processor(),
        "cores": os.cpu_count(),
        "pinned_to": core,
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "load_before": os.getloadavg(),
    }


def sentence(machine):
    pinned = "not pinned" if machine["pinned_to"] is None else f"everything on core {machine['pinned_to']}"
    load = ", ".join(f"{value:.1f}" for value in machine["load_before"])
    return f"{machine['processor']}, {machine['cores']} cores, {pinned}; load {load}; {machine['system']}"


def processor():
    try:
        with open("/proc/cpuinfo") as lines:
            names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
        return names[0]
    except (OSError, IndexError):
        return platform.processor() or platform.machine()


def bandwidths(worker):
    """Bytes a second that one core reads from buffers of several sizes."""
    found = {size: worker.ask("bandwidth", bytes=size, seconds=0.1) for size in BANDWIDTH_SIZES}
    return {str(size): answer["bytes_per_second"] for size, answer in found.items()}
