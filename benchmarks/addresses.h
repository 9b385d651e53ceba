/* The addresses that floor.c talks to and sink.c listens on: IPv4, in 127/8, one a line of a file. */
#ifndef ADDRESSES_H
#define ADDRESSES_H

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void die(const char *what) {
    perror(what);
    exit(2);
}

/* All addresses of the file, `count` of them. Nothing but loopback: one that is not in 127/8 ends the program. */
static struct in_addr *read_addresses(const char *path, long *count) {
    FILE *file = fopen(path, "r");
    if (!file)
        die(path);
    struct in_addr *addresses = NULL;
    char line[64];
    for (*count = 0; fscanf(file, "%63s", line) == 1; ++*count) {
        addresses = realloc(addresses, sizeof *addresses * (size_t)(*count + 1));
        if (!addresses || inet_pton(AF_INET, line, addresses + *count) != 1 || strncmp(line, "127.", 4) != 0)
            die(line);
    }
    fclose(file);
    return addresses;
}

#endif
