// A C++ program around the library: a device failure is an exception here, after which it computes on.
#include <nx.h>

#include <cstdio>
#include <stdexcept>

namespace
{

void raise(const char *message, void *) { throw std::runtime_error(message); }

struct device {
    nx_device *it = nullptr;
    device()
    {
        nx_error err;
        nx_device_options options = {};
        if (!nx_device_open(&it, &options, &err)) throw std::runtime_error(err.text);
    }
    ~device() { nx_device_free(it); }
};

// 2 x, for x = 3, by a graph of one node.
float twice_three(nx_device *on)
{
    nx_error err;
    nx_plan *plan;
    float value = 3;
    nx_graph *g = nx_graph_new(&on->info);
    nx_tensor *x = nx_input(g, nx_shape{1, 1, 1, 1}, "x"), *y = nx_keep(nx_scale(g, x, 2));
    if (!nx_plan_new(&plan, g, &err)) throw std::runtime_error(err.text);
    nx_plan_realize(plan, on);
    nx_plan_write(plan, x, &value);
    nx_plan_run(plan);
    nx_plan_read(plan, y, &value);
    nx_plan_free(plan);
    nx_graph_free(g);
    return value;
}

} // namespace

int main()
{
    nx_error_hook_set(raise, nullptr);
    int caught = 0;
    try {
        device d;
        nx_buffer_new(d.it, static_cast<size_t>(1) << 50, NX_MEMORY_ARENA);
    } catch (const std::runtime_error &failure) {
        std::printf("caught: %s\n", failure.what());
        caught++;
    }
    device again;
    float value = twice_three(again.it);
    std::printf("and then 2 x 3 = %g\n", static_cast<double>(value));
    return caught == 1 && value == 6 ? 0 : 1;
}
