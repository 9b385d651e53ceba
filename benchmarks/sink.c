/* The sink: SMTP servers on many loopback addresses and one port, cheaper than any client that is measured.
 *
 *     sink ADDRESSES [CHAIN_AND_KEY.pem]
 *
 * Listens on each IPv4 address of the file ADDRESSES (one a line, each in 127/8: no wildcard, so nothing but
 * this machine can reach it) at a port that is free on all of them. With a certificate it offers STARTTLS.
 * Prints {"port": N} once it listens, ends when its standard input does, and then prints what it has seen.
 * One thread, epoll. */
#define _GNU_SOURCE
#include "addresses.h"
#include "channel.h"

#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/resource.h>

enum { LINE_SIZE = 1024, EVENTS = 256, BACKLOG = 1024, PORTS_TRIED = 50 };

#define GREETING "220 sink.bench.test ESMTP\r\n"
#define EXTENSIONS                                                                                               \
    "250-sink.bench.test\r\n250-PIPELINING\r\n250-SIZE 35882577\r\n250-ENHANCEDSTATUSCODES\r\n250-8BITMIME\r\n"
#define EHLO_PLAIN EXTENSIONS "250 CHUNKING\r\n"
#define EHLO_STARTTLS EXTENSIONS "250-STARTTLS\r\n250 CHUNKING\r\n"

struct watched {
    enum { LISTENER, CLIENT, LIFELINE } kind;
    struct channel channel;
    int in_handshake;
    int length;
    char line[LINE_SIZE];
};

static SSL_CTX *tls_context;
static int poller;
static long connections, ehlos, handshakes, quits;

static void watch(struct watched *watched) {
    struct epoll_event readable = {.events = EPOLLIN, .data.ptr = watched};
    if (epoll_ctl(poller, EPOLL_CTL_ADD, watched->channel.fd, &readable))
        die("epoll_ctl");
}

static struct watched *new_watched(int kind, int fd) {
    struct watched *watched = malloc(sizeof *watched);
    if (!watched)
        die("malloc");
    watched->kind = kind;
    watched->channel = (struct channel){.fd = fd};
    watched->in_handshake = watched->length = 0;
    return watched;
}

static int says(struct watched *client, const char *text) {
    return channel_write(&client->channel, text, (int)strlen(text)) < 0 ? GONE : 0;
}

static int is(const char *line, const char *verb) {
    return strncasecmp(line, verb, strlen(verb)) == 0;
}

/* One command, without its end of line: 0 or GONE. */
static int obey(struct watched *client, const char *line) {
    if (is(line, "EHLO") || is(line, "HELO")) {
        ehlos++;
        return says(client, tls_context && !client->channel.tls ? EHLO_STARTTLS : EHLO_PLAIN);
    }
    if (is(line, "STARTTLS") && tls_context && !client->channel.tls) {
        if (says(client, "220 2.0.0 Ready to start TLS\r\n"))
            return GONE;
        client->in_handshake = 1;
        return channel_start_tls(&client->channel, tls_context, 1);
    }
    if (is(line, "QUIT")) {
        quits++;
        says(client, "221 2.0.0 Bye\r\n");
        return GONE;
    }
    return says(client, "502 5.5.2 Not here\r\n");
}

/* Every complete line that was read: 0 or GONE. */
static int obey_lines(struct watched *client) {
    char *line = client->line, *end = client->line + client->length, *newline;
    while ((newline = memchr(line, '\n', (size_t)(end - line)))) {
        *newline = '\0';
        if (obey(client, line))
            return GONE;
        line = newline + 1;
    }
    client->length = (int)(end - line);
    memmove(client->line, line, (size_t)client->length);
    return client->length == LINE_SIZE ? GONE : 0;
}

/* One step of a client that has something to read: 0, LATER or GONE. */
static int step(struct watched *client) {
    if (client->in_handshake) {
        int result = channel_handshake(&client->channel);
        if (result)
            return result;
        client->in_handshake = 0;
        handshakes++;
    }
    int count = channel_read(&client->channel, client->line + client->length, LINE_SIZE - client->length);
    if (count < 0)
        return count;
    client->length += count;
    return obey_lines(client);
}

static void serve(struct watched *client) {
    int result;
    while ((result = step(client)) == 0)
        ;
    if (result == GONE) {
        channel_close(&client->channel);
        free(client);
    }
}

static void welcome(int listener) {
    int fd;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        struct watched *client = new_watched(CLIENT, fd);
        connections++;
        if (says(client, GREETING)) {
            close(fd);
            free(client);
        } else {
            watch(client);
        }
    }
}

/* A listener at an address; `port` 0 is any free one. Its descriptor, or -1 when somebody has the port. */
static int listen_at(struct in_addr address, in_port_t port) {
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_port = port, .sin_addr = address};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), yes = 1;
    if (fd < 0)
        die("socket");
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes); /* inherited by what is accepted */
    if (bind(fd, (struct sockaddr *)&here, sizeof here) || listen(fd, BACKLOG)) {
        close(fd);
        return -1;
    }
    return fd;
}

static in_port_t port_of(int fd) {
    struct sockaddr_in here;
    socklen_t size = sizeof here;
    if (getsockname(fd, (struct sockaddr *)&here, &size))
        die("getsockname");
    return here.sin_port;
}

/* Listen on all addresses at one port: the first gets any, the others take the same. True if they could. */
static int listen_everywhere(const struct in_addr *addresses, int *listeners, long count) {
    for (long i = 0; i < count; i++) {
        listeners[i] = listen_at(addresses[i], i ? port_of(listeners[0]) : 0);
        if (listeners[i] < 0) {
            while (i--)
                close(listeners[i]);
            return 0;
        }
    }
    return 1;
}

static void open_listeners(const char *path) {
    long count;
    struct in_addr *addresses = read_addresses(path, &count);
    int *listeners = calloc((size_t)count, sizeof *listeners), tried = 0;
    if (!listeners || !count)
        die(path);
    while (!listen_everywhere(addresses, listeners, count))
        if (++tried == PORTS_TRIED)
            die("no port is free on all addresses");
    for (long i = 0; i < count; i++)
        watch(new_watched(LISTENER, listeners[i]));
    printf("{\"port\": %d}\n", ntohs(port_of(listeners[0])));
    fflush(stdout);
}

static void load_certificate(const char *path) {
#ifdef WITH_TLS
    tls_context = SSL_CTX_new(TLS_server_method());
    SSL_CTX_set_mode(tls_context, SSL_MODE_RELEASE_BUFFERS);
    if (SSL_CTX_use_certificate_chain_file(tls_context, path) != 1 ||
        SSL_CTX_use_PrivateKey_file(tls_context, path, SSL_FILETYPE_PEM) != 1) {
        ERR_print_errors_fp(stderr);
        exit(2);
    }
#else
    fprintf(stderr, "%s: built without TLS\n", path);
    exit(2);
#endif
}

static void raise_descriptor_limit(void) {
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

int main(int argc, char **argv) {
    if (argc != 2 && argc != 3)
        return fprintf(stderr, "usage: sink ADDRESSES [CHAIN_AND_KEY.pem]\n"), 2;
    raise_descriptor_limit();
    poller = epoll_create1(0);
    if (argc == 3)
        load_certificate(argv[2]);
    open_listeners(argv[1]);
    watch(new_watched(LIFELINE, STDIN_FILENO));

    struct epoll_event events[EVENTS];
    for (int is_over = 0; !is_over;) {
        int ready = epoll_wait(poller, events, EVENTS, -1);
        for (int i = 0; i < ready; i++) {
            struct watched *watched = events[i].data.ptr;
            if (watched->kind == LISTENER)
                welcome(watched->channel.fd);
            else if (watched->kind == CLIENT)
                serve(watched);
            else
                is_over = 1;
        }
    }
    printf("{\"connections\": %ld, \"ehlos\": %ld, \"handshakes\": %ld, \"quits\": %ld}\n", connections, ehlos,
           handshakes, quits);
    return 0;
}
