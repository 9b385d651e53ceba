/* The floor: the least that a client can do to have an SMTP session, as fast as this machine can do it.
 *
 *     floor plain|starttls SESSIONS WIDTH PORT ADDRESSES
 *
 * connect, greeting, EHLO, [STARTTLS, handshake, EHLO,] QUIT, with WIDTH sessions at a time, to the IPv4
 * addresses in the file ADDRESSES (one a line) in turn. Nothing is recorded or judged. One thread, epoll.
 * Prints one line of JSON: how many sessions were begun and completed, and the CPU seconds from the first
 * connection on. Exit 1 unless all were completed. */
#define _GNU_SOURCE
#include "addresses.h"
#include "channel.h"

#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>

enum { REPLY_SIZE = 4096, EVENTS = 256, GIVE_UP_AFTER_S = 120 };

#define EHLO "EHLO floor.bench.test\r\n"

/* What is said after each reply, from the greeting on; null is the end. HANDSHAKE is followed by EHLO. */
static const char HANDSHAKE[] = "";
static const char *const plain_script[] = {EHLO, "QUIT\r\n", NULL};
static const char *const starttls_script[] = {EHLO, "STARTTLS\r\n", HANDSHAKE, "QUIT\r\n", NULL};

struct session {
    struct channel channel;
    const char *const *next; /* what to say after the reply that is being read */
    int in_handshake;
    int length;
    char reply[REPLY_SIZE];
    struct session *next_free;
};

static const char *const *script;
static SSL_CTX *tls_context;
static int poller;
static struct session *free_sessions;
static long live, completed;

/* True once the last line of the reply is there: code, space or end of line (RFC 5321 §4.2.1). */
static int is_complete(const char *reply, int length) {
    if (length < 5 || reply[length - 1] != '\n')
        return 0;
    const char *before = memrchr(reply, '\n', (size_t)length - 1);
    const char *last = before ? before + 1 : reply;
    return reply + length - last >= 5 && last[3] != '-';
}

static void release(struct session *session) {
    session->next_free = free_sessions;
    free_sessions = session;
}

static void finish(struct session *session, int is_good) {
    channel_close(&session->channel);
    release(session);
    completed += is_good;
    live--;
}

/* Open a session. The greeting, or an error, tells that the connection is up: no wait for writability. */
static void start(struct in_addr address, in_port_t port) {
    struct session *session = free_sessions;
    free_sessions = session->next_free;
    live++;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), yes = 1;
    if (fd < 0)
        die("socket");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    session->channel = (struct channel){.fd = fd};
    session->next = script;
    session->in_handshake = session->length = 0;
    struct sockaddr_in peer = {.sin_family = AF_INET, .sin_port = port, .sin_addr = address};
    struct epoll_event readable = {.events = EPOLLIN, .data.ptr = session};
    if ((connect(fd, (struct sockaddr *)&peer, sizeof peer) && errno != EINPROGRESS) ||
        epoll_ctl(poller, EPOLL_CTL_ADD, fd, &readable))
        finish(session, 0);
}

/* Answer a complete reply with the next line of the script: 0, LATER (it goes on), or GONE (it is over). */
static int answer(struct session *session) {
    const char *says = *session->next++;
    session->length = 0;
    if (!says)
        return GONE;
    if (says != HANDSHAKE)
        return channel_write(&session->channel, says, (int)strlen(says)) < 0 ? GONE : 0;
    session->in_handshake = 1;
    return channel_start_tls(&session->channel, tls_context, 0);
}

/* One step of a session that has something to read: 0, LATER or GONE. */
static int step(struct session *session) {
    if (session->in_handshake) {
        int result = channel_handshake(&session->channel);
        if (result)
            return result;
        session->in_handshake = 0;
        return channel_write(&session->channel, EHLO, sizeof EHLO - 1) < 0 ? GONE : 0;
    }
    int room = REPLY_SIZE - session->length;
    int count = channel_read(&session->channel, session->reply + session->length, room);
    if (count < 0)
        return count;
    session->length += count;
    if (!is_complete(session->reply, session->length))
        return session->length == REPLY_SIZE ? GONE : 0;
    return session->reply[0] == '2' ? answer(session) : GONE;
}

static void advance(struct session *session) {
    int result;
    while ((result = step(session)) == 0)
        ;
    if (result == GONE)
        finish(session, session->next > script && session->next[-1] == NULL);
}

static double cpu_s(void) {
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
           (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

static void prepare(const char *mode, long width) {
    script = strcmp(mode, "starttls") == 0 ? starttls_script : plain_script;
#ifdef WITH_TLS
    tls_context = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_mode(tls_context, SSL_MODE_RELEASE_BUFFERS);
#endif
    poller = epoll_create1(0);
    struct session *sessions = calloc((size_t)width, sizeof *sessions);
    if (poller < 0 || !sessions)
        die("prepare");
    for (long i = 0; i < width; i++)
        release(&sessions[i]);
}

int main(int argc, char **argv) {
    if (argc != 6)
        return fprintf(stderr, "usage: floor plain|starttls SESSIONS WIDTH PORT ADDRESSES\n"), 2;
    long wanted = atol(argv[2]), width = atol(argv[3]), count, begun = 0;
    in_port_t port = htons((in_port_t)atoi(argv[4]));
    struct in_addr *addresses = read_addresses(argv[5], &count);
    prepare(argv[1], width);
    alarm(GIVE_UP_AFTER_S);

    double cpu_before = cpu_s();
    struct epoll_event events[EVENTS];
    while (begun < wanted || live) {
        while (free_sessions && begun < wanted)
            start(addresses[begun++ % count], port);
        int ready = epoll_wait(poller, events, EVENTS, -1);
        for (int i = 0; i < ready; i++)
            advance(events[i].data.ptr);
    }
    double used = cpu_s() - cpu_before;
    printf("{\"sessions\": %ld, \"completed\": %ld, \"cpu_s\": %.6f}\n", begun, completed, used);
    return completed == wanted ? 0 : 1;
}
