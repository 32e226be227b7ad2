/* OpenCL status codes: one table. */
#include "device/status.h"

#include <stdio.h>

#define STATUS_LIST(X)                                                                                                 \
    X(0, SUCCESS, "no error")                                                                                          \
    X(-1, DEVICE_NOT_FOUND, "the driver offers no device: is the GPU visible to this user or container?")              \
    X(-2, DEVICE_NOT_AVAILABLE, "another process holds the device")                                                    \
    X(-3, COMPILER_NOT_AVAILABLE, "this driver cannot compile OpenCL C")                                               \
    X(-4, MEM_OBJECT_ALLOCATION_FAILURE, "the device is out of memory")                                                \
    X(-5, OUT_OF_RESOURCES, "often a watchdog, a crash inside a kernel or exhausted memory: look into dmesg")          \
    X(-6, OUT_OF_HOST_MEMORY, "the host is out of memory")                                                             \
    X(-7, PROFILING_INFO_NOT_AVAILABLE, "the queue was opened without profiling")                                      \
    X(-8, MEM_COPY_OVERLAP, "a copy overlaps itself")                                                                  \
    X(-11, BUILD_PROGRAM_FAILURE, "the driver's compiler refused a kernel")                                            \
    X(-13, MISALIGNED_SUB_BUFFER_OFFSET, "a bug in the memory plan")                                                   \
    X(-14, EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST, "an earlier command failed")                                     \
    X(-30, INVALID_VALUE, "a bug: an argument is out of range")                                                        \
    X(-34, INVALID_CONTEXT, "a bug: the device was closed too early")                                                  \
    X(-36, INVALID_COMMAND_QUEUE, "the device was lost: an earlier kernel may have crashed it")                        \
    X(-38, INVALID_MEM_OBJECT, "a bug: a buffer was freed too early")                                                  \
    X(-45, INVALID_PROGRAM_EXECUTABLE, "the program was not built for this device")                                    \
    X(-46, INVALID_KERNEL_NAME, "a bug: no kernel of this name in its file")                                           \
    X(-48, INVALID_KERNEL, "a bug: not a kernel")                                                                      \
    X(-49, INVALID_ARG_INDEX, "a bug: more arguments than the kernel takes")                                           \
    X(-50, INVALID_ARG_VALUE, "a bug: an argument is missing")                                                         \
    X(-51, INVALID_ARG_SIZE, "a bug: an argument has another type in the kernel")                                      \
    X(-52, INVALID_KERNEL_ARGS, "a bug: not every argument was set")                                                   \
    X(-54, INVALID_WORK_GROUP_SIZE, "the device allows smaller work-groups only")                                      \
    X(-55, INVALID_WORK_ITEM_SIZE, "the device allows smaller work-groups only")                                       \
    X(-61, INVALID_BUFFER_SIZE, "larger than the device's largest allocation")                                         \
    X(-63, INVALID_GLOBAL_WORK_SIZE, "a bug: an empty launch")                                                         \
    X(-1001, PLATFORM_NOT_FOUND_KHR,                                                                                   \
      "no OpenCL driver is installed; on Debian: apt-get install pocl-opencl-icd (CPU) or the GPU vendor's package")

static const struct {
    cl_int number;
    const char *name, *hint;
} statuses[] = {
#define ROW(number, name, hint) {number, "CL_" #name, hint},
    STATUS_LIST(ROW)
#undef ROW
};

const char *nx_status_text(cl_int status)
{
    static char text[256];
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++)
        if (statuses[i].number == status) {
            snprintf(text, sizeof text, "%s (%d): %s", statuses[i].name, status, statuses[i].hint);
            return text;
        }
    snprintf(text, sizeof text, "OpenCL status %d", status);
    return text;
}
