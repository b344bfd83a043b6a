/* Throughput of Hyperscan on the literals of benches/literals.txt; see README.md. */
#define _POSIX_C_SOURCE 200809L
#include <hs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MOST = 8192, REPEATS = 15, CHUNK = 64 << 10 };

static int count(unsigned id, unsigned long long from, unsigned long long to, unsigned flags, void *context) {
    (void)id, (void)from, (void)to, (void)flags;
    ++*(unsigned long long *)context;
    return 0;
}

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return now.tv_sec + now.tv_nsec * 1e-9;
}

/* One literal a line, with \n, \t, \0 and \\ for newline, tab, the byte 0 and a backslash; gives its length. */
static size_t unescape(char *line) {
    char *out = line;
    for (char *in = line; *in && *in != '\n'; in++, out++) {
        int escape = in[0] == '\\' && in[1] && strchr("nt0\\", in[1]);
        *out = !escape ? *in : *++in == 'n' ? '\n' : *in == 't' ? '\t' : *in == '0' ? 0 : '\\';
    }
    return (size_t)(out - line);
}

int main(int argc, char **argv) {
    if (argc != 4) return fprintf(stderr, "usage: scan LITERALS COUNT TEXT\n"), 2;
    static const char *literals[MOST];
    static size_t lengths[MOST];
    static unsigned flags[MOST], ids[MOST];
    unsigned total = 0, wanted = (unsigned)atoi(argv[2]);
    char line[1024];
    FILE *file = fopen(argv[1], "r");
    while (file && total < wanted && total < MOST && fgets(line, sizeof line, file)) {
        /* \c stands before a literal whose case matters. */
        int exact = line[0] == '\\' && line[1] == 'c';
        char *literal = strdup(line + (exact ? 2 : 0));
        lengths[total] = unescape(literal);
        literals[total] = literal;
        flags[total] = exact ? 0 : HS_FLAG_CASELESS;
        ids[total] = total;
        total++;
    }
    hs_database_t *database;
    hs_compile_error_t *error;
    if (hs_compile_lit_multi(literals, flags, ids, lengths, total, HS_MODE_BLOCK, NULL, &database, &error))
        return fprintf(stderr, "%s\n", error->message), 1;
    hs_scratch_t *scratch = NULL;
    hs_alloc_scratch(database, &scratch);

    FILE *text_file = fopen(argv[3], "r");
    if (!text_file) return perror(argv[3]), 1;
    fseek(text_file, 0, SEEK_END);
    size_t size = (size_t)ftell(text_file);
    rewind(text_file);
    char *text = malloc(size);
    if (fread(text, 1, size, text_file) != size) return 1;

    double best = 1e9;
    unsigned long long hits = 0;
    for (int repeat = 0; repeat < REPEATS; repeat++) {
        hits = 0;
        double start = seconds();
        for (size_t at = 0; at < size; at += CHUNK)
            hs_scan(database, text + at, (unsigned)(size - at < CHUNK ? size - at : CHUNK), 0, scratch, count, &hits);
        double took = seconds() - start;
        if (took < best) best = took;
    }
    printf("hyperscan %u literals: %.2f GB/s, %llu hits\n", total, size / best / 1e9, hits);
    return 0;
}
