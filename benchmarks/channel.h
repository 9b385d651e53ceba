/* A channel: a non-blocking socket, plain until TLS is started on it. What floor.c and sink.c talk over.
 * Without WITH_TLS (no OpenSSL headers where it is built) TLS can't be started. */
#ifndef CHANNEL_H
#define CHANNEL_H

#include <errno.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <unistd.h>

#ifdef WITH_TLS
#include <openssl/err.h>
#include <openssl/ssl.h>
#else
typedef struct ssl_st SSL;
typedef struct ssl_ctx_st SSL_CTX;
#endif

/* What a read, a write or a handshake may return instead of a count. */
enum { LATER = -1, GONE = -2 };

struct channel {
    int fd;
    SSL *tls; /* null while plain */
};

#ifdef WITH_TLS
static int tls_result(const struct channel *channel, int result) {
    int error = SSL_get_error(channel->tls, result);
    return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE ? LATER : GONE;
}
#endif

/* At most `size` octets into `buffer`: how many, LATER or GONE. */
static int channel_read(struct channel *channel, char *buffer, int size) {
#ifdef WITH_TLS
    if (channel->tls) {
        ERR_clear_error();
        int count = SSL_read(channel->tls, buffer, size);
        return count > 0 ? count : tls_result(channel, count);
    }
#endif
    ssize_t count = recv(channel->fd, buffer, (size_t)size, 0);
    if (count > 0)
        return (int)count;
    return count < 0 && errno == EAGAIN ? LATER : GONE;
}

/* All `size` octets or GONE: what is written here is small and fits into an empty socket buffer. */
static int channel_write(struct channel *channel, const char *text, int size) {
#ifdef WITH_TLS
    if (channel->tls)
        return SSL_write(channel->tls, text, size) == size ? size : GONE;
#endif
    return send(channel->fd, text, (size_t)size, MSG_NOSIGNAL) == size ? size : GONE;
}

/* TLS from here on, as the server's or the client's side. */
static int channel_start_tls(struct channel *channel, SSL_CTX *context, int is_server) {
#ifdef WITH_TLS
    channel->tls = SSL_new(context);
    if (!channel->tls || !SSL_set_fd(channel->tls, channel->fd))
        return GONE;
    is_server ? SSL_set_accept_state(channel->tls) : SSL_set_connect_state(channel->tls);
    return 0;
#else
    (void)channel, (void)context, (void)is_server;
    return GONE;
#endif
}

/* As far as the handshake gets: 0 when it is complete, LATER or GONE. */
static int channel_handshake(struct channel *channel) {
#ifdef WITH_TLS
    ERR_clear_error();
    int result = SSL_do_handshake(channel->tls);
    return result == 1 ? 0 : tls_result(channel, result);
#else
    (void)channel;
    return GONE;
#endif
}

static void channel_close(struct channel *channel) {
#ifdef WITH_TLS
    if (channel->tls) {
        SSL_shutdown(channel->tls);
        SSL_free(channel->tls);
    }
#endif
    close(channel->fd);
}

#endif
