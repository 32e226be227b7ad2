"""What the peers share: how a step is timed, as experiments/bench/measure.c does it, and how much memory it takes."""
import ctypes
import statistics
import time


def resident(key):
    """Kilobytes of /proc/self/status: VmRSS is what the process holds now, VmHWM the most since reset."""
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith(key))


class Memory:
    """The most that the process grows by from here on, in megabytes."""

    def __init__(self):
        ctypes.CDLL(None).malloc_trim(0)
        with open("/proc/self/clear_refs", "w") as reset:
            reset.write("5")
        self.base = resident("VmRSS")

    def grown(self):
        return (resident("VmHWM") - self.base) * 1024 / 1e6


def measure(step, seconds):
    """Median and spread (the distance of the quartiles over the median) of one step, at least 3, after one that warms
    up."""
    step()
    times, end = [], time.perf_counter() + seconds
    while len(times) < 3 or (time.perf_counter() < end and len(times) < 2000):
        begin = time.perf_counter()
        step()
        times.append(time.perf_counter() - begin)
    low, middle, high = statistics.quantiles(times, n=4)
    return middle, (high - low) / middle


def show(name, variant, result, memory):
    print(f"{name} {result[0]:.6f} {result[1]:.3f} {memory:.1f} {variant}", flush=True)
