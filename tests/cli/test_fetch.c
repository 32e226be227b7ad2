/* Weights that have a name: fetched from a server that this test is itself, on 127.0.0.1, whole and in parts, from
 * servers that do it wrong, and used by configs. Nothing is asked of any other machine. */
#include "cli.h"

#include "config/known_weights.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>

#define FOLDER "data/nstx/weights/"
#define LIST   FOLDER "weights.ini"

/* ---- the server ---- */

static char *served; /* what every address holds */
static size_t served_bytes;
static pid_t server;
static int port;

typedef struct asked {
    char way[32], file[64]; /* of "/WAY/FILE" */
    size_t from;            /* the first byte of the range */
    bool range;
} asked;

static void put(int to, const char *data, size_t bytes)
{
    for (ssize_t sent; bytes; data += sent, bytes -= (size_t)sent)
        if ((sent = write(to, data, bytes)) <= 0) return;
}

__attribute__((format(printf, 2, 3))) static void put_text(int to, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *text = format_text(format, args);
    va_end(args);
    put(to, text, strlen(text));
    free(text);
}

/* The head of an answer that promises what is asked for. */
static void promise(int to, const asked *a)
{
    if (a->range)
        put_text(to, "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes %zu-%zu/%zu\r\n", a->from, served_bytes - 1,
                 served_bytes);
    else
        put_text(to, "HTTP/1.1 200 OK\r\n");
    put_text(to, "Content-Length: %zu\r\nConnection: close\r\n\r\n", served_bytes - a->from);
}

static void put_half(int to, const asked *a) { put(to, served + a->from, (served_bytes - a->from) / 2); }

static void answer_plain(int to, const asked *a)
{
    promise(to, a);
    put(to, served + a->from, served_bytes - a->from);
}

static void answer_whole(int to, const asked *a)
{
    (void)a;
    answer_plain(to, &(asked){0});
}

static void answer_cut(int to, const asked *a)
{
    promise(to, a);
    put_half(to, a);
}

static void answer_slow(int to, const asked *a)
{
    char nothing;
    answer_cut(to, a);
    while (read(to, &nothing, 1) > 0) continue; /* until the other side has enough */
}

static void answer_silent(int to, const asked *a)
{
    char nothing;
    (void)a;
    while (read(to, &nothing, 1) > 0) continue;
}

/* Without a length, which the end of the connection tells. */
static void answer_unsaid(int to, const asked *a)
{
    (void)a;
    put_text(to, "HTTP/1.0 200 OK\r\n\r\n");
    put(to, served, served_bytes);
}

static void answer_early(int to, const asked *a)
{
    put_text(to, "HTTP/1.0 200 OK\r\n\r\n");
    put_half(to, a);
}

static void answer_more(int to, const asked *a)
{
    answer_unsaid(to, a);
    put(to, served, served_bytes);
}

static void answer_moved(int to, const asked *a)
{
    put_text(to, "HTTP/1.1 302 Found\r\nLocation: /plain/%s\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
             a->file);
}

static void answer_away(int to, const asked *a)
{
    (void)a;
    put_text(to,
             "HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
}

static void answer_circle(int to, const asked *a)
{
    put_text(to, "HTTP/1.1 302 Found\r\nLocation: /circle/%s\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
             a->file);
}

static void answer_missing(int to, const asked *a)
{
    (void)a;
    put_text(to, "HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\nConnection: close\r\n\r\nno.\n");
}

static const struct {
    const char *name;
    void (*answer)(int to, const asked *a);
} ways[] = {{"plain", answer_plain},   {"whole", answer_whole},   {"cut", answer_cut},      {"slow", answer_slow},
            {"silent", answer_silent}, {"unsaid", answer_unsaid}, {"early", answer_early},  {"more", answer_more},
            {"moved", answer_moved},   {"away", answer_away},     {"circle", answer_circle}};

/* A line for every request: "/plain/lab.h5 100", with the byte from which. */
static void note(const asked *a)
{
    FILE *log = fopen(scratch("requests"), "a");
    fprintf(log, a->range ? "/%s/%s %zu\n" : "/%s/%s\n", a->way, a->file, a->from);
    fclose(log);
}

static void answer(int to)
{
    char head[4096];
    size_t used = 0;
    asked a = {0};
    for (ssize_t got; !memmem(head, used, "\r\n\r\n", 4); used += (size_t)got)
        if (used == sizeof head - 1 || (got = read(to, head + used, sizeof head - 1 - used)) <= 0) return;
    head[used] = 0;
    const char *range = strcasestr(head, "\r\nRange: bytes=");
    if (sscanf(head, "GET /%31[^/ ]/%63[^ ]", a.way, a.file) != 2) return;
    a.range = range && sscanf(range, "%*[^=]=%zu-", &a.from) == 1 && a.from < served_bytes;
    note(&a);
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++)
        if (!strcmp(ways[i].name, a.way)) return ways[i].answer(to, &a);
    answer_missing(to, &a);
}

static void start_server(void)
{
    struct sockaddr_in place = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof place;
    int door = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(door >= 0 && !bind(door, (struct sockaddr *)&place, size) && !listen(door, 8) &&
                !getsockname(door, (struct sockaddr *)&place, &size));
    port = ntohs(place.sin_port);
    server = fork();
    assert_true(server >= 0);
    if (!server) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        signal(SIGPIPE, SIG_IGN);
        for (int to; (to = accept(door, NULL, NULL)) >= 0; close(to)) answer(to);
        _exit(0);
    }
    close(door);
}

/* ---- what is asked of it ---- */

/* A VGG-19 to conv2_1, no metadata: how it wants its pictures only the list says. */
static void make_served(void)
{
    enum { C = 16 };
    static float weight[3][C * C * 9], bias[C];
    nx_rng rng = nx_rng_new(5, 0);
    nx_error err = {0};
    for (int l = 0; l < 3; l++)
        for (int i = 0; i < C * C * 9; i++) weight[l][i] = 0.1f * nx_rng_normal(&rng);
    nx_tensor_entry entries[] = {{"features.0.weight", 4, {C, 3, 3, 3}, weight[0]}, {"features.0.bias", 1, {C}, bias},
                                 {"features.2.weight", 4, {C, C, 3, 3}, weight[1]}, {"features.2.bias", 1, {C}, bias},
                                 {"features.5.weight", 4, {C, C, 3, 3}, weight[2]}, {"features.5.bias", 1, {C}, bias}};
    if (!nx_tensors_save_safetensors(scratch("served"), entries, 6, NULL, 0, &err)) fail_msg("%s", err.text);
    assert_true(nx_file_read(scratch("served"), &served, &served_bytes, &err));
}

/* The sum as another program sees it, "sha256sum" or "md5sum"; owned by the caller. */
static char *sum_of(const char *program)
{
    char *command = nx_format("%s ../served", program), *text = shell(command);
    text[strcspn(text, " ")] = 0;
    free(command);
    return text;
}

static void with_a_home(void)
{
    setenv("XDG_DATA_HOME", at("data"), 1);
    setenv("NO_PROXY", "*", 1);
}

static void add_to_list(const char *way, const char *hash)
{
    FILE *list = fopen(at(LIST), "a");
    fprintf(list, "[%s]\nurl = http://127.0.0.1:%d/%s/%s.safetensors\nbytes = %zu\n%s\npreprocessing = caffe\n\n", way,
            port, way, way, served_bytes, hash);
    fclose(list);
}

static int open_all(void **state)
{
    if (cli_open(state)) return -1;
    free(shell("mkdir -p " FOLDER));
    make_served();
    start_server();
    char *sha = sum_of("sha256sum"), *md5 = sum_of("md5sum"), *by_sha = nx_format("sha256 = %s", sha),
         *by_md5 = nx_format("md5 = %s", md5);
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) add_to_list(ways[i].name, i % 2 ? by_md5 : by_sha);
    add_to_list("nowhere", by_sha);
    sha[0] = sha[0] == '0' ? '1' : '0';
    free(by_sha);
    by_sha = nx_format("sha256 = %s\nlicence = CC0\nwhat = another one", sha);
    add_to_list("other", by_sha);
    free(by_sha);
    free(by_md5);
    free(md5);
    free(sha);
    before_exec = with_a_home;
    return 0;
}

static int close_all(void **state)
{
    kill(server, SIGTERM);
    waitpid(server, NULL, 0);
    free(served);
    return scratch_close(state);
}

/* The requests since the last call; owned by the caller. */
static char *requests(void) { return shell("cat ../requests 2>/dev/null; rm -f ../requests"); }

static void assert_requests(const char *wanted)
{
    char *all = requests();
    assert_string_equal(all, wanted);
    free(all);
}

/* Between two tests. */
static void remove_all(void) { free(shell("rm -rf " FOLDER "*.safetensors* " FOLDER "*.h5*; rm -f ../requests")); }

/* The file is whole and nothing else is left of it. */
static void assert_whole(const char *name)
{
    char *command =
        nx_format("cmp ../served " FOLDER "%s.safetensors && ! test -e " FOLDER "%s.safetensors.part", name, name);
    free(shell(command));
    free(command);
}

static void assert_nothing(void)
{
    char *files = shell("ls " FOLDER);
    assert_string_equal(files, "weights.ini\n");
    free(files);
}

/* So many bytes of the file have come, and they are its first ones. */
static void assert_part(const char *name, size_t bytes)
{
    char *command = nx_format("cmp -n %zu ../served " FOLDER "%s.safetensors.part && ! test -e " FOLDER
                              "%s.safetensors && stat -c %%s " FOLDER "%s.safetensors.part",
                              bytes, name, name, name),
         *size = shell(command);
    assert_int_equal(atoi(size), bytes);
    free(size);
    free(command);
}

/* ---- the table and the list ---- */

static void the_table_is_whole(void **state)
{
    (void)state;
    known_list list;
    nx_error err = {0};
    setenv("XDG_DATA_HOME", "/proc", 1); /* without a list of the user's */
    if (!known_list_load(&list, &err)) fail_msg("%s", err.text);
    unsetenv("XDG_DATA_HOME");
    assert_int_equal(list.count, 4);
    for (size_t i = 0; i < list.count; i++) {
        const known_weights *k = &list.items[i];
        size_t digits = strlen(k->hash);
        assert_string_equal(k->name, known_name_at(i));
        assert_true(known_is_name(k->name) && known_list_find(&list, k->name) == k);
        assert_true(!strncmp(k->url, "https://", 8) && *k->licence && *k->what && k->bytes > 50000000);
        assert_true((digits == 32 || digits == 64) && strspn(k->hash, "0123456789abcdef") == digits);
        assert_true(k->preprocessing == (digits == 32 ? PREPROCESSING_CAFFE : PREPROCESSING_TORCHVISION));
        /* torchvision's names have the beginning of the sum */
        if (digits == 64) assert_int_equal(strncmp(strrchr(k->url, '-') + 1, k->hash, 8), 0);
    }
    assert_null(known_name_at(list.count));
    known_list_free(&list);
}

static void all_are_listed(void **state)
{
    (void)state;
    nstx(0, "weights get");
    assert_said(said_out, "vgg19               80.1 MB  not here ");
    assert_said(said_out, "vgg16_torchvision    553 MB  not here ");
    assert_said(said_out, "    https://storage.googleapis.com/tensorflow/keras-applications/vgg19/"
                          "vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5\n"
                          "    MD5 253f8cb515780f3b799900260a226db6; preprocessing: caffe; derived from Oxford's VGG, "
                          "CC BY 4.0\n");
    assert_said(said_out, "another one\n");
    assert_said(said_out, "; CC0\n");
    assert_said(said_out, "data/nstx/weights\n");
    assert_requests("");
    nstx(0, "weights --help");
    assert_said(said_out, "nstx weights get [NAME] [--from URL]");
    nstx(0, "completion bash");
    assert_said(said_out, " vgg19_torchvision");
}

static void lists_that_are_wrong_are_refused(void **state)
{
    (void)state;
#define GOOD "url = https://a/b.h5\nbytes = 5\nmd5 = 0123456789abcdef0123456789ABCDEF\n"
    static const struct {
        const char *text, *said;
    } cases[] = {
        {"[a]\n" GOOD "[b]\nurl = https://a/c.h5\nbytes = 5\n", "weights.ini: [b] has no sha256 or md5"},
        {"[a]\nbytes = 5\n", "weights.ini: [a] has no url"},
        {"[a]\nurl = https://a/b.h5\n", "weights.ini: [a] has no bytes"},
        {"[a]\n" GOOD "[b]\n" GOOD, "[b]: its file has the name of that of a"},
        {"[a]\nurl = https://a/vgg19-dcbb9e9d.pth\nbytes = 5\nmd5 = 0123456789abcdef0123456789abcdef\n",
         "[a]: its file has the name of that of vgg19_torchvision"},
        {"[vgg19]\n" GOOD, "weights.ini:2: [vgg19]: nstx has weights of that name itself"},
        {"[own]\n" GOOD, "weights.ini:2: [own] is no name for weights"},
        {"[../a]\n" GOOD, "weights.ini:2: [../a] is no name for weights"},
        {"[a]\nurl = ftp://a/b.h5\n", "weights.ini:2: url = ftp://a/b.h5: an address that begins with https://"},
        {"[a]\nurl = file:///etc/passwd\n", "an address that begins with https://"},
        {"[a]\nurl = https://a/\n", "its last part becomes the file's name"},
        {"[a]\nurl = https://a/..\n", "its last part becomes the file's name"},
        {"[a]\nurl = https://a/b?c=d\n", "its last part becomes the file's name"},
        {"[a]\nurl = https://a/weights.ini\n", "its last part becomes the file's name"},
        {"[a]\nbytes = many\n", "weights.ini:2: bytes = many: the size of the file is wanted"},
        {"[a]\nbytes = 0\n", "the size of the file is wanted"},
        {"[a]\nbytes = -5\n", "the size of the file is wanted"},
        {"[a]\nbytes = 99999999999999999999\n", "the size of the file is wanted"},
        {"[a]\nmd5 = 0123\n", "weights.ini:2: md5 = 0123: 32 hexadecimal digits are wanted"},
        {"[a]\nsha256 = 0123456789abcdef0123456789abcdef\n", "64 hexadecimal digits are wanted"},
        {"[a]\nmd5 = 0123456789abcdef0123456789abcdeg\n", "32 hexadecimal digits are wanted"},
        {"[a]\n" GOOD "sha256 = 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\n",
         "weights.ini:5: [a] has a checksum already"},
        {"[a]\npreprocessing = kaffe\n", "'kaffe' is not one of file, caffe, torchvision: did you mean caffe?"},
        {"[a]\nlicense = CC0\n", "weights have no key license: did you mean licence?"},
        {"url = https://a/b.h5\n", "weights.ini:1: 'url' stands before the first [section]"},
        {"[a\n", "weights.ini:1: '[a': the ']' is missing"},
    };
    free(shell("mv " LIST " kept.ini"));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        write_text(LIST, cases[i].text);
        refused(cases[i].said, i % 2 ? "weights get" : "plan tiny.ini -s descriptor.weights=a");
    }
    free(shell("mv kept.ini " LIST));
    refused("no weights are called vgg_19: did you mean vgg19; `nstx weights get` lists them", "weights get vgg_19");
    refused("no weights are called ../plain", "weights get ../plain");
    refused("one at a time, not also moved", "weights get plain moved");
    refused("--from http://127.0.0.1: of which weights?", "weights get --from http://127.0.0.1");
    refused("ftp://127.0.0.1/plain.safetensors: an address begins with https:// or http://",
            "weights get plain --from ftp://127.0.0.1");
}

/* ---- fetching ---- */

static void a_file_comes(void **state)
{
    (void)state;
    nstx(0, "weights get plain");
    assert_said(said_err, "plain: fetching 20.8 kB from http://127.0.0.1:");
    assert_said(said_out, "data/nstx/weights/plain.safetensors\n");
    assert_said(said_out, "SHA-256 as expected");
    assert_whole("plain");
    assert_requests("/plain/plain.safetensors\n");
    nstx(0, "weights get plain"); /* again: it is there */
    assert_said(said_out, "data/nstx/weights/plain.safetensors\n");
    assert_requests("");
    nstx(0, "weights get moved");
    assert_whole("moved");
    nstx(0, "weights get unsaid");
    assert_said(said_out, "MD5 as expected");
    assert_whole("unsaid");
    nstx(0, "weights get nowhere --from http://127.0.0.1:%d/plain//", port);
    assert_whole("nowhere");
    nstx(0, "weights get");
    assert_said(said_out, "  here          weights.ini\n");
    remove_all();
}

static void it_goes_on_where_it_broke_off(void **state)
{
    (void)state;
    size_t half = served_bytes / 2, more = half + (served_bytes - half) / 2;
    nstx(1, "weights get cut");
    assert_said(said_err, " of 20.8 kB are here");
    assert_said(said_err, " are here, and `nstx weights get cut` goes on from there\n");
    assert_part("cut", half);
    nstx(0, "weights get");
    assert_said(said_out, "10.4 kB here");
    nstx(1, "weights get cut");
    assert_part("cut", more);
    nstx(0, "weights get cut --from http://127.0.0.1:%d/plain", port);
    assert_said(said_err, " that are missing from http");
    assert_whole("cut");
    char *wanted =
        nx_format("/cut/cut.safetensors\n/cut/cut.safetensors %zu\n/plain/cut.safetensors %zu\n", half, more);
    assert_requests(wanted);
    free(wanted);
    remove_all();
}

/* One that was killed when all was there, and one whose server starts from the beginning. */
static void other_parts(void **state)
{
    (void)state;
    free(shell("cp ../served " FOLDER "nowhere.safetensors.part"));
    nstx(0, "weights get nowhere");
    assert_whole("nowhere");
    assert_requests("");
    nstx(1, "weights get early");
    assert_said(said_err, "the server ended early; ");
    assert_part("early", served_bytes / 2);
    nstx(0, "weights get early --from http://127.0.0.1:%d/whole", port);
    assert_said(said_err, "early: the server does not give parts: from the beginning\n");
    assert_whole("early");
    /* longer than the file, and of another one */
    free(shell("cat ../served ../served >" FOLDER "plain.safetensors.part"));
    nstx(1, "weights get plain");
    assert_said(said_err, "expected; what came is removed\n");
    assert_false(nx_file_exists(at(FOLDER "plain.safetensors.part")));
    free(shell("head -c 100 /dev/zero >" FOLDER "plain.safetensors.part"));
    nstx(1, "weights get plain");
    assert_said(said_err, "another file: its SHA-256 is ");
    assert_said(said_err, "expected; what came is removed\n");
    nstx(0, "weights get plain");
    assert_whole("plain");
    remove_all();
}

static void nothing_wrong_gets_the_name(void **state)
{
    (void)state;
    nstx(1, "weights get other --from http://127.0.0.1:%d/plain", port);
    assert_said(said_err, "/plain/other.safetensors: another file: its SHA-256 is ");
    nstx(1, "weights get nowhere");
    assert_said(said_err, "/nowhere/nowhere.safetensors: the server answers 404: it has no such file\n");
    nstx(1, "weights get more");
    assert_said(said_err, "another file: more than the ");
    assert_said(said_err, " goes on from there\n"); /* a part that the sum will tell */
    free(shell("rm " FOLDER "more.safetensors.part"));
    nstx(1, "weights get away");
    assert_said(said_err, "which leads to ");
    nstx(1, "weights get circle");
    assert_said(said_err, "circle.safetensors: ");
    /* the table's own rows are checked too */
    nstx(1, "weights get vgg19 --from http://127.0.0.1:%d/plain", port);
    assert_said(said_err, " bytes, and 80134624 are expected\n");
    nstx(1, "weights get vgg16_torchvision --from http://127.0.0.1:%d/plain", port);
    assert_said(said_err, " bytes, and 553433881 are expected\n");
    assert_nothing();
    /* what the user put there is not touched */
    write_text(FOLDER "plain.safetensors", "mine");
    requests();
    nstx(1, "weights get plain");
    assert_one_line("plain.safetensors: another file: it has 4 bytes");
    assert_requests("");
    free(shell("grep -q mine " FOLDER "plain.safetensors"));
    remove_all();
}

static bool has_part(const char *name, size_t bytes)
{
    struct stat part;
    char *path = nx_format(FOLDER "%s.safetensors.part", name);
    bool has = !stat(at(path), &part) && (size_t)part.st_size >= bytes;
    free(path);
    return has;
}

static void an_interrupt_keeps_the_part(void **state)
{
    (void)state;
    pid_t child = start("weights get slow");
    WAIT_UNTIL(child, has_part("slow", served_bytes / 2));
    char *before = snapshot();
    nstx(2, "weights get slow"); /* beside it */
    assert_one_line("slow.safetensors: another nstx is fetching it");
    char *after = snapshot();
    assert_string_equal(before, after);
    free(before);
    free(after);
    kill(child, SIGINT);
    assert_int_equal(finish(child), 130);
    assert_said(said_err, "nstx: slow: interrupted; 10.4 kB of 20.8 kB");
    assert_said(said_err, " are here, and `nstx weights get slow` goes on from there\n");
    assert_part("slow", served_bytes / 2);
    nstx(0, "weights get slow --from http://127.0.0.1:%d/plain", port);
    assert_whole("slow");
    /* before anything came there is nothing to keep */
    child = start("weights get silent");
    wait_for(child, "silent: fetching ");
    WAIT_UNTIL(child, nx_file_exists(scratch("requests")) && has_part("silent", 0));
    kill(child, SIGTERM);
    assert_int_equal(finish(child), 130);
    assert_said(said_err, "nstx: silent: interrupted\n");
    remove_all();
    assert_nothing();
}

static void as_on_a_full_disk(void)
{
    with_a_home();
    setrlimit(RLIMIT_FSIZE, &(struct rlimit){5000, 5000});
}

static void without_a_place(void)
{
    unsetenv("XDG_DATA_HOME");
    unsetenv("HOME");
}

static void nowhere_to_write(void) { setenv("XDG_DATA_HOME", "/proc", 1); }

static void places_that_take_nothing(void **state)
{
    (void)state;
    before_exec = as_on_a_full_disk;
    nstx(1, "weights get plain");
    assert_said(said_err, "plain.safetensors: cannot write: File too large; 5.0 kB of 20.8 kB");
    before_exec = with_a_home;
    assert_part("plain", 5000);
    nstx(0, "weights get plain"); /* room was made */
    assert_whole("plain");
    before_exec = nowhere_to_write;
    refused("/proc/nstx: cannot make the folder: ", "weights get vgg19");
    before_exec = without_a_place;
    refused("no place for weights: set XDG_DATA_HOME or HOME", "weights get vgg19");
    before_exec = with_a_home;
    free(shell("ln -s /dev/null " FOLDER "moved.safetensors.part && mkfifo " FOLDER "cut.safetensors.part"));
    refused("moved.safetensors.part: cannot write there: ", "weights get moved");
    refused("cut.safetensors.part: no plain file, where one is to be written", "weights get cut");
    remove_all();
}

/* ---- configs ---- */

static void configs_take_them_by_name(void **state)
{
    (void)state;
    refused("-s descriptor.weights=plain: [descriptor] weights: plain is not here yet: `nstx weights get plain` "
            "fetches it (20.8 kB)",
            "run tiny.ini -s descriptor.weights=plain");
    refused("vgg19 is not here yet: `nstx weights get vgg19` fetches it (80.1 MB)",
            "plan tiny.ini -s descriptor.weights=vgg19");
    refused("plainly, and no weights have that name: `nstx weights get` lists them",
            "plan tiny.ini -s descriptor.weights=plainly");
    nstx(0, "weights get plain");
    free(shell("cp ../served unsaid.safetensors"));
    refused("its metadata does not say how pictures are prepared", /* the list does */
            "plan tiny.ini -s descriptor.weights=unsaid.safetensors");
    nstx(0, "plan tiny.ini -s descriptor.weights=plain");
    write_text("distil.ini", "[experiment]\ntask = distil\n[distil]\nlayers = relu1_1\nteacher_network = vgg19\n"
                             "[descriptor]\nweights = random\nwidth = 0.0625\n"
                             "[data]\ncontent = large.png\nsize = 48\nbatch = 2\n");
    write_picture("large.png", 64, 64, 1);
    refused("its metadata does not say how pictures are prepared",
            "plan distil.ini -s distil.teacher=unsaid.safetensors");
    nstx(0, "plan distil.ini -s distil.teacher=plain");
    remove_all();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_table_is_whole),
        cmocka_unit_test(all_are_listed),
        cmocka_unit_test(lists_that_are_wrong_are_refused),
        cmocka_unit_test(a_file_comes),
        cmocka_unit_test(it_goes_on_where_it_broke_off),
        cmocka_unit_test(other_parts),
        cmocka_unit_test(nothing_wrong_gets_the_name),
        cmocka_unit_test(an_interrupt_keeps_the_part),
        cmocka_unit_test(places_that_take_nothing),
        cmocka_unit_test(configs_take_them_by_name),
    };
    return cmocka_run_group_tests(tests, open_all, close_all);
}
